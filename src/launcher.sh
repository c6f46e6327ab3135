#!/bin/sh
# bin/embed of the archive: starts embed with the Node of its folder, from anywhere and through symbolic links to this file.
self=$0
case $self in */*) ;; *) self=./$self ;; esac
while [ -L "$self" ]; do
  # -p: found without a PATH
  target=$(command -p readlink "$self") || exit 66
  case $target in /*) self=$target ;; *) self=${self%/*}/$target ;; esac
done
root=$(CDPATH='' cd -P -- "${self%/*}/.." && pwd) || exit 66
exec "$root/node/bin/node" "$root/program/bin/embed.js" "$@"
