#!/bin/sh
# bin/embed of the archive: starts embed with the archive's own Node. Works from any folder and through symbolic links
# to this file.
self=$0
case $self in */*) ;; *) self=./$self ;; esac
while [ -L "$self" ]; do
  # -p uses a default PATH, so that readlink is found even if PATH is unset
  target=$(command -p readlink "$self") || exit 66
  case $target in /*) self=$target ;; *) self=${self%/*}/$target ;; esac
done
root=$(CDPATH='' cd -P -- "${self%/*}/.." && pwd) || exit 66
exec "$root/node/bin/node" "$root/program/bin/embed.js" "$@"
