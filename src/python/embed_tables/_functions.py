"""Written by `npm run docs` from the options of the commands: change these, not this file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ._call import Spec, call_bytes, call_frame, call_json
from ._frames import Log, Logs
from ._process import Path
from ._run import Run


def inspect(
    log: Logs | None = None,
    *,
    input_format: Literal["csv", "jsonl", "parquet", "libsvm", "libffm"] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    columns: str | Sequence[str] | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    null: str | Sequence[str] | None = None,
    dedupe: bool | None = None,
    dedupe_by: str | Sequence[str] | None = None,
    dedupe_keep: Literal["first", "last"] | None = None,
    on_bad_row: Literal["error", "skip"] | None = None,
    max_cell: int | None = None,
    engine: str | None = None,
    engine_sql: Path | None = None,
    engine_order: str | Sequence[str] | None = None,
    engine_slice: float | str | None = None,
    engine_timeout: int | None = None,
    engine_hash: bool | None = None,
    max_bad: float | str | None = None,
    bad_rows: Path | None = None,
    ignore: str | Sequence[str] | None = None,
    time_format: str | None = None,
    top: int | None = None,
    html: Path | None = None,
    open: bool | None = None,
    write_config: Path | None = None,
    force: bool | None = None,
) -> Any:
    """Reads a log and shows its columns: inferred roles and types, distinct values, missing cells, first rows.

    With --source and --target it reads an edge list and shows nodes, edges, degrees and components.

    As ``embed inspect``, whose page explains the options.

    Args:
        log: files (CSV, JSON lines, Parquet, libsvm, libffm) or patterns, read as one log, or an encoded dataset; - is stdin
        input_format: format of the log; by default by the file extension
        delimiter: cell delimiter, such as ';', '::', '\\t' or '\\x01'; by default detected from the header line
        header: False: the log has no header line; columns are named c0, c1, ...
        columns: column names for a log without a header, such as label,i1..i13,c1..c26
        decimal: decimal separator of numbers, such as ',' (default: .)
        thousands: thousands separator of numbers, such as '.'
        encoding: text encoding of the log, such as utf-16le or gb18030 (default: utf-8)
        comment: skip lines that start with this string, such as #
        null: strings that mean a missing value; '' for none (default: NULL,\\N,N/A,NaN)
        dedupe: drop exact duplicate rows
        dedupe_by: columns that identify an event, such as event_id: keep one of the rows with the same cells in them
        dedupe_keep: with --dedupe-by: the row to keep, in the order of the log; last holds all rows in memory (default: first)
        on_bad_row: what to do with a malformed row: stop with an error, or skip and count it (default: error)
        max_cell: maximum size of a cell (default: 4 MiB)
        engine: read the log through DuckDB (duckdb:shop.duckdb; duckdb: alone is in memory) or a Spark Connect server (sc://localhost:15002, sc://HOST:443/;use_ssl=true)
        engine_sql: with --engine: file with a SELECT statement whose rows are the log; no log is named then
        engine_order: with --engine: columns that order the rows of a table or query; no two different rows may tie
        engine_slice: with a Spark server: size of the rows that one job returns, such as 64M; by default a file or table is one job
        engine_timeout: with a Spark server: how long it may be unreachable or silent before the command fails (default: 300)
        engine_hash: with a Spark server: record the SHA-256 of each file, which it reads once more for it
        max_bad: with --on-bad-row skip: maximum share of malformed rows; the command fails above it (default: 1%)
        bad_rows: with --on-bad-row skip: write the skipped rows to this file, one JSON object per line
        ignore: columns to exclude from the features
        time_format: format of the time column, such as '%d/%m/%Y %H:%M'
        top: number of most frequent users and items to show (default: 5)
        html: also write a page of the columns, their distributions, days, users, items and repeated rows
        open: with --html: show the page in the default browser
        write_config: write the inferred columns to a config file that you can edit and pass to training (--config)
        force: replace an existing page, config or --bad-rows file

    Returns:
        what ``--json`` prints, as Python values

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return call_json(_INSPECT, locals())


_INSPECT = Spec(
    command="inspect",
    words=("log", ),
    repeats=("columns", "null", "dedupe_by", "engine_order", "ignore"),
    commas=("columns", "null", "dedupe_by", "engine_order", "ignore"),
    negated=("header",),
    logs=(),
)


def inspect_edges(
    log: Logs | None = None,
    *,
    source: str,
    target: str,
    input_format: Literal["csv", "jsonl", "parquet", "libsvm", "libffm"] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    columns: str | Sequence[str] | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    null: str | Sequence[str] | None = None,
    dedupe: bool | None = None,
    dedupe_by: str | Sequence[str] | None = None,
    dedupe_keep: Literal["first", "last"] | None = None,
    on_bad_row: Literal["error", "skip"] | None = None,
    max_cell: int | None = None,
    engine: str | None = None,
    engine_sql: Path | None = None,
    engine_order: str | Sequence[str] | None = None,
    engine_slice: float | str | None = None,
    engine_timeout: int | None = None,
    engine_hash: bool | None = None,
    max_bad: float | str | None = None,
    bad_rows: Path | None = None,
    ignore: str | Sequence[str] | None = None,
    top: int | None = None,
    force: bool | None = None,
    weight: str | None = None,
    directed: bool | None = None,
) -> Any:
    """Reads a log and shows its columns: inferred roles and types, distinct values, missing cells, first rows.

    With --source and --target it reads an edge list and shows nodes, edges, degrees and components.

    As ``embed inspect``, whose page explains the options.

    Args:
        log: files (CSV, JSON lines, Parquet, libsvm, libffm) or patterns, read as one log, or an encoded dataset; - is stdin
        input_format: format of the log; by default by the file extension
        delimiter: cell delimiter, such as ';', '::', '\\t' or '\\x01'; by default detected from the header line
        header: False: the log has no header line; columns are named c0, c1, ...
        columns: column names for a log without a header, such as label,i1..i13,c1..c26
        decimal: decimal separator of numbers, such as ',' (default: .)
        thousands: thousands separator of numbers, such as '.'
        encoding: text encoding of the log, such as utf-16le or gb18030 (default: utf-8)
        comment: skip lines that start with this string, such as #
        null: strings that mean a missing value; '' for none (default: NULL,\\N,N/A,NaN)
        dedupe: drop exact duplicate rows
        dedupe_by: columns that identify an event, such as event_id: keep one of the rows with the same cells in them
        dedupe_keep: with --dedupe-by: the row to keep, in the order of the log; last holds all rows in memory (default: first)
        on_bad_row: what to do with a malformed row: stop with an error, or skip and count it (default: error)
        max_cell: maximum size of a cell (default: 4 MiB)
        engine: read the log through DuckDB (duckdb:shop.duckdb; duckdb: alone is in memory) or a Spark Connect server (sc://localhost:15002, sc://HOST:443/;use_ssl=true)
        engine_sql: with --engine: file with a SELECT statement whose rows are the log; no log is named then
        engine_order: with --engine: columns that order the rows of a table or query; no two different rows may tie
        engine_slice: with a Spark server: size of the rows that one job returns, such as 64M; by default a file or table is one job
        engine_timeout: with a Spark server: how long it may be unreachable or silent before the command fails (default: 300)
        engine_hash: with a Spark server: record the SHA-256 of each file, which it reads once more for it
        max_bad: with --on-bad-row skip: maximum share of malformed rows; the command fails above it (default: 1%)
        bad_rows: with --on-bad-row skip: write the skipped rows to this file, one JSON object per line
        ignore: columns to exclude from the features
        top: number of most frequent users and items to show (default: 5)
        force: replace an existing page, config or --bad-rows file
        source: for an edge list: column of the source node
        target: for an edge list: column of the target node
        weight: for an edge list: column of the edge weight
        directed: for an edge list: treat edges as directed, so an edge and its reverse are different edges

    Returns:
        what ``--json`` prints, as Python values

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return call_json(_INSPECT_EDGES, locals())


_INSPECT_EDGES = Spec(
    command="inspect",
    words=("log", ),
    repeats=("columns", "null", "dedupe_by", "engine_order", "ignore"),
    commas=("columns", "null", "dedupe_by", "engine_order", "ignore"),
    negated=("header",),
    logs=(),
)


def encode(
    log: Logs | None = None,
    *,
    out: Path,
    user: str | None = None,
    item: str | None = None,
    label: str | None = None,
    time: str | None = None,
    time_format: str | None = None,
    time_fields: str | Sequence[str] | None = None,
    time_zone: str | None = None,
    weight: str | None = None,
    session: str | None = None,
    fields: str | Sequence[str] | None = None,
    numeric: str | Sequence[str] | None = None,
    multi: str | Sequence[str] | Mapping[str, str] | None = None,
    multi_weights: str | Sequence[str] | None = None,
    ignore: str | Sequence[str] | None = None,
    side: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = None,
    where: str | Sequence[str] | None = None,
    drop_users_above: int | None = None,
    drop_users_above_per_day: int | None = None,
    hash_keys: Path | None = None,
    hash_keys_of: str | Sequence[str] | None = None,
    input_format: Literal["csv", "jsonl", "parquet", "libsvm", "libffm"] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    columns: str | Sequence[str] | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    null: str | Sequence[str] | None = None,
    dedupe: bool | None = None,
    dedupe_by: str | Sequence[str] | None = None,
    dedupe_keep: Literal["first", "last"] | None = None,
    on_bad_row: Literal["error", "skip"] | None = None,
    max_cell: int | None = None,
    engine: str | None = None,
    engine_sql: Path | None = None,
    engine_order: str | Sequence[str] | None = None,
    engine_slice: float | str | None = None,
    engine_timeout: int | None = None,
    engine_hash: bool | None = None,
    max_bad: float | str | None = None,
    bad_rows: Path | None = None,
    threads: int | None = None,
    force: bool | None = None,
) -> Any:
    """Reads a log once and writes an encoded dataset.

    Other commands accept it in place of the log and give the same results.

    As ``embed encode``, whose page explains the options.

    Args:
        log: files (CSV, JSON lines, Parquet, libsvm, libffm) or patterns, read as one log; - is stdin
        user: user column: who acted (default: inferred)
        item: item column: what the user acted on (default: inferred)
        label: label column to predict: 0 and 1, or any number (default: inferred)
        time: time column of the event: Unix seconds or milliseconds, or ISO 8601 (UTC if no zone is given) (default: inferred)
        time_format: format of the time column, such as '%d/%m/%Y %H:%M' (UTC without %z); separate several formats, or iso, with |
        time_fields: features to derive from the time column: hour, dow (day of week), day, month
        time_zone: time zone for --time-fields, such as +02:00 (default: UTC)
        weight: weight column: weight of each row in training and metrics, at least 0
        session: session column: events with the same value belong together
        fields: full list of categorical features; by default every column without another role
        numeric: numeric columns, standardized; price:log1p and price:bins=20 transform a column
        multi: multi-valued column and its separator, such as 'genres:|'; repeatable
        multi_weights: multi-valued columns with weights, as in 'tea:0.5|milk:2'
        ignore: columns to exclude from the features
        side: side table to join on column KEY; FILE:KEY=SIDEKEY if the column has another name in the side table; repeatable
        drop: drop rows that match, such as 'InvoiceNo^=C' (= != ^= $= *=)
        where: keep only rows that match, such as 'Quantity > 0 and Country != "France"'
        drop_users_above: leave out users with more than n events, such as bots, with all their events
        drop_users_above_per_day: leave out users with more than n events on any one day (UTC), with all their events
        hash_keys: replace user and item ids with their HMAC-SHA256, keyed with the secret in this file
        hash_keys_of: columns to apply --hash-keys to; by default user, item and session
        input_format: format of the log; by default by the file extension
        delimiter: cell delimiter, such as ';', '::', '\\t' or '\\x01'; by default detected from the header line
        header: False: the log has no header line; columns are named c0, c1, ...
        columns: column names for a log without a header, such as label,i1..i13,c1..c26
        decimal: decimal separator of numbers, such as ',' (default: .)
        thousands: thousands separator of numbers, such as '.'
        encoding: text encoding of the log, such as utf-16le or gb18030 (default: utf-8)
        comment: skip lines that start with this string, such as #
        null: strings that mean a missing value; '' for none (default: NULL,\\N,N/A,NaN)
        dedupe: drop exact duplicate rows
        dedupe_by: columns that identify an event, such as event_id: keep one of the rows with the same cells in them
        dedupe_keep: with --dedupe-by: the row to keep, in the order of the log; last holds all rows in memory (default: first)
        on_bad_row: what to do with a malformed row: stop with an error, or skip and count it (default: error)
        max_cell: maximum size of a cell (default: 4 MiB)
        engine: read the log through DuckDB (duckdb:shop.duckdb; duckdb: alone is in memory) or a Spark Connect server (sc://localhost:15002, sc://HOST:443/;use_ssl=true)
        engine_sql: with --engine: file with a SELECT statement whose rows are the log; no log is named then
        engine_order: with --engine: columns that order the rows of a table or query; no two different rows may tie
        engine_slice: with a Spark server: size of the rows that one job returns, such as 64M; by default a file or table is one job
        engine_timeout: with a Spark server: how long it may be unreachable or silent before the command fails (default: 300)
        engine_hash: with a Spark server: record the SHA-256 of each file, which it reads once more for it
        max_bad: with --on-bad-row skip: maximum share of malformed rows; the command fails above it (default: 1%)
        bad_rows: with --on-bad-row skip: write the skipped rows to this file, one JSON object per line
        threads: maximum number of threads; the result does not depend on it (default: number of cores)
        out: dataset directory to write
        force: replace an existing dataset

    Returns:
        what ``--json`` prints, as Python values

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return call_json(_ENCODE, locals())


_ENCODE = Spec(
    command="encode",
    words=("log", ),
    repeats=("time_fields", "fields", "numeric", "multi", "multi_weights", "ignore", "side", "drop", "where", "hash_keys_of", "columns", "null", "dedupe_by", "engine_order"),
    commas=("time_fields", "fields", "numeric", "multi_weights", "ignore", "hash_keys_of", "columns", "null", "dedupe_by", "engine_order"),
    negated=("header",),
    logs=(),
)


def train_fm(
    log: Logs | None = None,
    *,
    out: Path,
    user: str | None = None,
    item: str | None = None,
    label: str | None = None,
    time: str | None = None,
    time_format: str | None = None,
    time_fields: str | Sequence[str] | None = None,
    time_zone: str | None = None,
    weight: str | None = None,
    session: str | None = None,
    fields: str | Sequence[str] | None = None,
    numeric: str | Sequence[str] | None = None,
    multi: str | Sequence[str] | Mapping[str, str] | None = None,
    multi_weights: str | Sequence[str] | None = None,
    ignore: str | Sequence[str] | None = None,
    side: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = None,
    where: str | Sequence[str] | None = None,
    drop_users_above: int | None = None,
    drop_users_above_per_day: int | None = None,
    hash_keys: Path | None = None,
    hash_keys_of: str | Sequence[str] | None = None,
    input_format: Literal["csv", "jsonl", "parquet", "libsvm", "libffm"] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    columns: str | Sequence[str] | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    null: str | Sequence[str] | None = None,
    dedupe: bool | None = None,
    dedupe_by: str | Sequence[str] | None = None,
    dedupe_keep: Literal["first", "last"] | None = None,
    on_bad_row: Literal["error", "skip"] | None = None,
    max_cell: int | None = None,
    engine: str | None = None,
    engine_sql: Path | None = None,
    engine_order: str | Sequence[str] | None = None,
    engine_slice: float | str | None = None,
    engine_timeout: int | None = None,
    engine_hash: bool | None = None,
    max_bad: float | str | None = None,
    bad_rows: Path | None = None,
    since: str | None = None,
    event_weight: str | None = None,
    half_life: str | None = None,
    max_events_per_user: int | None = None,
    keep_events: Literal["latest", "spread"] | None = None,
    valid: float | Log | None = None,
    test: float | Log | None = None,
    split: Literal["time", "random", "rows", "user", "items", "last"] | None = None,
    split_key: str | Sequence[str] | None = None,
    valid_like: Path | None = None,
    last: int | None = None,
    group: str | None = None,
    min_count: float | str | Sequence[str] | None = None,
    max_vocab: float | str | Sequence[str] | None = None,
    min_users: int | None = None,
    hash: str | Sequence[str] | Mapping[str, float] | None = None,
    oov_dropout: float | None = None,
    row_order: Path | None = None,
    init: Path | None = None,
    expire: str | None = None,
    freeze: Literal["known"] | None = None,
    keep_state: bool | None = None,
    refit: bool | None = None,
    checkpoint_every: int | None = None,
    search: int | None = None,
    resume: bool | None = None,
    metric: Literal["loss", "auc", "rmse"] | None = None,
    on_interrupt: Literal["abort", "save"] | None = None,
    max_memory: float | str | None = None,
    positive_from: float | None = None,
    negatives: int | None = None,
    noise: Literal["uniform", "popularity"] | None = None,
    item_fields: str | Sequence[str] | None = None,
    model: Literal["fm", "lr", "ffm"] | None = None,
    task: Literal["binary", "regression"] | None = None,
    method: Literal["adagrad", "sgd", "ftrl", "adam", "als", "mcmc"] | None = None,
    link: Literal["logit", "probit"] | None = None,
    prior_of: Literal["field", "all"] | None = None,
    normalize_rows: bool | None = None,
    shuffle: bool | None = None,
    l2: float | None = None,
    dim: int | None = None,
    epochs: int | None = None,
    learning_rate: float | None = None,
    vector_rate: float | None = None,
    learning_rate_decay: float | None = None,
    negative_downsampling: float | None = None,
    l1_weight: float | None = None,
    l2_weight: float | None = None,
    l2_vector: float | None = None,
    l2_field: str | Sequence[str] | Mapping[str, float] | None = None,
    seed: int | None = None,
    threads: int | None = None,
    patience: int | None = None,
    min_delta: float | None = None,
    burn_in: int | None = None,
    draws: int | None = None,
    force: bool | None = None,
) -> Run:
    """Trains a factorization machine on a log and writes a run directory with a vector for each key of each field.

    As ``embed train-fm``, whose page explains the options.

    Args:
        log: files (CSV, JSON lines, Parquet, libsvm, libffm) or patterns, read as one log; - is stdin
        user: user column: who acted (default: inferred)
        item: item column: what the user acted on (default: inferred)
        label: label column to predict: 0 and 1, or any number (default: inferred)
        time: time column of the event: Unix seconds or milliseconds, or ISO 8601 (UTC if no zone is given) (default: inferred)
        time_format: format of the time column, such as '%d/%m/%Y %H:%M' (UTC without %z); separate several formats, or iso, with |
        time_fields: features to derive from the time column: hour, dow (day of week), day, month
        time_zone: time zone for --time-fields, such as +02:00 (default: UTC)
        weight: weight column: weight of each row in training and metrics, at least 0
        session: session column: events with the same value belong together
        fields: full list of categorical features; by default every column without another role
        numeric: numeric columns, standardized; price:log1p and price:bins=20 transform a column
        multi: multi-valued column and its separator, such as 'genres:|'; repeatable
        multi_weights: multi-valued columns with weights, as in 'tea:0.5|milk:2'
        ignore: columns to exclude from the features
        side: side table to join on column KEY; FILE:KEY=SIDEKEY if the column has another name in the side table; repeatable
        drop: drop rows that match, such as 'InvoiceNo^=C' (= != ^= $= *=)
        where: keep only rows that match, such as 'Quantity > 0 and Country != "France"'
        drop_users_above: leave out users with more than n events, such as bots, with all their events
        drop_users_above_per_day: leave out users with more than n events on any one day (UTC), with all their events
        hash_keys: replace user and item ids with their HMAC-SHA256, keyed with the secret in this file
        hash_keys_of: columns to apply --hash-keys to; by default user, item and session
        input_format: format of the log; by default by the file extension
        delimiter: cell delimiter, such as ';', '::', '\\t' or '\\x01'; by default detected from the header line
        header: False: the log has no header line; columns are named c0, c1, ...
        columns: column names for a log without a header, such as label,i1..i13,c1..c26
        decimal: decimal separator of numbers, such as ',' (default: .)
        thousands: thousands separator of numbers, such as '.'
        encoding: text encoding of the log, such as utf-16le or gb18030 (default: utf-8)
        comment: skip lines that start with this string, such as #
        null: strings that mean a missing value; '' for none (default: NULL,\\N,N/A,NaN)
        dedupe: drop exact duplicate rows
        dedupe_by: columns that identify an event, such as event_id: keep one of the rows with the same cells in them
        dedupe_keep: with --dedupe-by: the row to keep, in the order of the log; last holds all rows in memory (default: first)
        on_bad_row: what to do with a malformed row: stop with an error, or skip and count it (default: error)
        max_cell: maximum size of a cell (default: 4 MiB)
        engine: read the log through DuckDB (duckdb:shop.duckdb; duckdb: alone is in memory) or a Spark Connect server (sc://localhost:15002, sc://HOST:443/;use_ssl=true)
        engine_sql: with --engine: file with a SELECT statement whose rows are the log; no log is named then
        engine_order: with --engine: columns that order the rows of a table or query; no two different rows may tie
        engine_slice: with a Spark server: size of the rows that one job returns, such as 64M; by default a file or table is one job
        engine_timeout: with a Spark server: how long it may be unreachable or silent before the command fails (default: 300)
        engine_hash: with a Spark server: record the SHA-256 of each file, which it reads once more for it
        max_bad: with --on-bad-row skip: maximum share of malformed rows; the command fails above it (default: 1%)
        bad_rows: with --on-bad-row skip: write the skipped rows to this file, one JSON object per line
        since: drop older events: an age such as 90d before the newest event (h, d, w), or a date
        event_weight: weight of each kind of event, such as type:view=1,cart=3,*=0; the column is not used as a feature
        half_life: half-life of a training event's weight, such as 30d (h, d, w)
        max_events_per_user: keep at most n events of each user, the latest ones unless --keep-events says otherwise
        keep_events: with --max-events-per-user: keep each user's latest events, or events spread evenly over the user's history, so that a split by time holds out the same share of them as of other events (default: latest)
        valid: validation split: a share such as 0.1 or 10%, a start date, or a file (default: none)
        test: test split: a share such as 0.1 or 10%, a start date, or a file (default: none)
        split: how to split rows into training, validation and test: by time, at random by cells, at random by row number (rows), by user, by item (newest held out), or each user's last events; by default by time if there is a time column, else at random
        split_key: with --split random: keep rows with equal values in these columns in the same split, such as user,item
        valid_like: with a share for --valid: hold out items whose average popularity matches the items in this log
        last: with --split last: number of each user's last events, or groups, to hold out (default: 1)
        group: with --split last: hold out events with the same value in this column together, such as InvoiceNo
        min_count: keys with fewer than n events are out-of-vocabulary; item_id=5 sets it for one field; repeatable (default: 1)
        max_vocab: keep only the n most frequent keys of each field; user_id=100000 limits one field
        min_users: keys with fewer than n distinct users are out-of-vocabulary
        hash: hash the keys of a column into 2^bits rows instead of building a vocabulary; repeatable
        oov_dropout: share of keys to replace with the out-of-vocabulary key in training, so that unknown keys get a trained vector (default: 0)
        row_order: keep the row numbers of an earlier run; new keys are appended
        init: warm-start from an earlier run, matching keys; keys missing from the log are kept
        expire: with --init: drop keys not seen for a time such as 8w before the newest event (h, d, w), or for a number of trainings such as 8
        freeze: with --init: known keeps the vectors of the earlier run fixed and trains only new ones
        keep_state: store the optimizer state in the run so that the next --init continues from it
        refit: after the metrics are measured, retrain on all rows, held-out ones too, for the chosen number of epochs
        checkpoint_every: save a checkpoint beside the run every n epochs
        search: train n settings of the options marked (searched), and keep the best on the validation split
        resume: resume a killed training from its checkpoint, if there is one
        metric: metric for early stopping and --search (default: loss)
        on_interrupt: on Ctrl-C or SIGTERM: abort without output, or save the best epoch so far as a run (default: abort)
        max_memory: memory limit for the rows of an encoded dataset, such as 4G; larger datasets are read from disk during training (default: half of the memory of the machine or its container)
        positive_from: convert labels to 0 and 1: x or more is 1; with --negatives, only those rows are events
        negatives: for a log without labels: number of negatives to sample per event (default: none)
        noise: distribution to sample negatives from (default: uniform)
        item_fields: side columns of the item, used in its vector and in negatives; inferred by default
        model: model to train: factorization machine, logistic regression, or field-aware FM (default: fm)
        task: prediction task; by default binary if all labels are 0 or 1, else regression
        method: training method (default: adagrad)
        link: als and mcmc: link function from scores to probabilities (default: logit)
        prior_of: mcmc: parameters that share a prior: per field, or all (default: field, or all for squared loss)
        normalize_rows: with --model ffm: divide each row's values by their Euclidean norm
        shuffle: False: train on the examples in the log's order
        l2: L2 penalty, sets both --l2-weight and --l2-vector
        dim: embedding dimension; with --model ffm, dimension of the vector for each field (default: 16, or 4 with --model ffm) (searched)
        epochs: maximum number of passes over the training data (default: 100 with --valid, else 10; with --method als 50, with mcmc 100)
        learning_rate: learning rate of the first epoch (default: 0.05; 0.2 up to 3 fields with early stopping; 0.1 for squared loss; others by --method) (searched)
        vector_rate: learning rate of vectors, as a multiple of --learning-rate (default: 1; (16 / fields)^2 above 16 fields; up to 4 for few rows with labels; 0.25 to 1 with --negatives and up to 3 fields)
        learning_rate_decay: learning rate decay: in epoch e the rate is divided by 1 + x (e - 1) (default: 0, or 0.5 with --method sgd)
        negative_downsampling: share of label-0 rows to keep for training; scores are corrected for it (He et al. 2014) (default: 1)
        l1_weight: ftrl: L1 penalty on weights; larger values give sparser weights (default: 1)
        l2_weight: L2 penalty on weights, applied at each occurrence of a feature; with --method als once per feature (default: 0.0001, or 0.05 for squared loss; other defaults by --method) (searched)
        l2_vector: L2 penalty on vectors, applied like --l2-weight (default: 0.01, or 0.1 for squared loss; other defaults by --method; more for rare keys with few rows or up to 3 fields) (searched)
        l2_field: L2 penalty on weights and vectors of single fields, replacing the general penalty
        seed: random seed for initial vectors, shuffling and sampling (default: 1)
        threads: maximum number of threads; the result does not depend on it (default: number of cores)
        patience: early stopping: number of validations without improvement before training stops; 0 disables it (default: 2; up to 20 for few rows with labels)
        min_delta: smallest improvement of the stopping metric that resets --patience (default: 0)
        burn_in: mcmc: number of burn-in epochs before the first draw is kept (default: 20, at most half of the epochs)
        draws: mcmc: number of draws to keep; predictions are averaged over them (default: 20)
        out: run directory to write
        force: replace an existing run

    Returns:
        the run, as it is in ``out``

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return Run(call_json(_TRAIN_FM, locals()))


_TRAIN_FM = Spec(
    command="train-fm",
    words=("log", ),
    repeats=("time_fields", "fields", "numeric", "multi", "multi_weights", "ignore", "side", "drop", "where", "hash_keys_of", "columns", "null", "dedupe_by", "engine_order", "split_key", "min_count", "max_vocab", "hash", "item_fields", "l2_field"),
    commas=("time_fields", "fields", "numeric", "multi_weights", "ignore", "hash_keys_of", "columns", "null", "dedupe_by", "engine_order", "split_key", "item_fields"),
    negated=("header", "shuffle"),
    logs=("valid", "test"),
)


def train_ranking(
    log: Logs | None = None,
    *,
    out: Path,
    user: str | None = None,
    item: str | None = None,
    label: str | None = None,
    time: str | None = None,
    time_format: str | None = None,
    time_fields: str | Sequence[str] | None = None,
    time_zone: str | None = None,
    weight: str | None = None,
    session: str | None = None,
    fields: str | Sequence[str] | None = None,
    numeric: str | Sequence[str] | None = None,
    multi: str | Sequence[str] | Mapping[str, str] | None = None,
    multi_weights: str | Sequence[str] | None = None,
    ignore: str | Sequence[str] | None = None,
    side: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = None,
    where: str | Sequence[str] | None = None,
    drop_users_above: int | None = None,
    drop_users_above_per_day: int | None = None,
    hash_keys: Path | None = None,
    hash_keys_of: str | Sequence[str] | None = None,
    input_format: Literal["csv", "jsonl", "parquet", "libsvm", "libffm"] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    columns: str | Sequence[str] | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    null: str | Sequence[str] | None = None,
    dedupe: bool | None = None,
    dedupe_by: str | Sequence[str] | None = None,
    dedupe_keep: Literal["first", "last"] | None = None,
    on_bad_row: Literal["error", "skip"] | None = None,
    max_cell: int | None = None,
    engine: str | None = None,
    engine_sql: Path | None = None,
    engine_order: str | Sequence[str] | None = None,
    engine_slice: float | str | None = None,
    engine_timeout: int | None = None,
    engine_hash: bool | None = None,
    max_bad: float | str | None = None,
    bad_rows: Path | None = None,
    since: str | None = None,
    event_weight: str | None = None,
    half_life: str | None = None,
    max_events_per_user: int | None = None,
    keep_events: Literal["latest", "spread"] | None = None,
    valid: float | Log | None = None,
    test: float | Log | None = None,
    split: Literal["time", "random", "rows", "user", "items", "last"] | None = None,
    split_key: str | Sequence[str] | None = None,
    valid_like: Path | None = None,
    last: int | None = None,
    group: str | None = None,
    min_count: float | str | Sequence[str] | None = None,
    max_vocab: float | str | Sequence[str] | None = None,
    min_users: int | None = None,
    hash: str | Sequence[str] | Mapping[str, float] | None = None,
    row_order: Path | None = None,
    init: Path | None = None,
    expire: str | None = None,
    freeze: Literal["known"] | None = None,
    keep_state: bool | None = None,
    refit: bool | None = None,
    checkpoint_every: int | None = None,
    search: int | None = None,
    resume: bool | None = None,
    on_interrupt: Literal["abort", "save"] | None = None,
    max_memory: float | str | None = None,
    positive_from: float | None = None,
    item_fields: str | Sequence[str] | None = None,
    loss: Literal["bpr", "warp", "sampled-softmax", "ccl"] | None = None,
    similarity: Literal["dot", "cosine"] | None = None,
    negatives: int | None = None,
    in_batch: bool | None = None,
    hard_negatives: str | Sequence[float] | None = None,
    noise: Literal["uniform", "popularity"] | None = None,
    log_q: bool | None = None,
    average_positives: bool | None = None,
    margin: float | None = None,
    negative_weight: float | None = None,
    temperature: float | None = None,
    item_neighbors: int | None = None,
    neighbor_weight: float | None = None,
    dim: int | None = None,
    layers: int | None = None,
    propagate: Literal["during", "after"] | None = None,
    k: int | None = None,
    candidates: Path | None = None,
    metric: Literal["recall", "ndcg", "hit-rate", "mrr", "map", "precision"] | None = None,
    evaluate_every: int | None = None,
    start: Literal["random", "svd"] | None = None,
    optimizer: Literal["adagrad", "adam", "sgd"] | None = None,
    batch_size: int | None = None,
    epochs: int | None = None,
    learning_rate: float | None = None,
    schedule: Literal["inverse", "cosine"] | None = None,
    learning_rate_decay: float | None = None,
    l2: float | None = None,
    l2_weight: float | None = None,
    l2_vector: float | None = None,
    threads: int | None = None,
    shuffle: bool | None = None,
    seed: int | None = None,
    patience: int | None = None,
    min_delta: float | None = None,
    force: bool | None = None,
) -> Run:
    """Learns to rank items from events without labels and writes a run directory with vectors of users, items and their side features.

    Training makes items that a user has score above items that the user does not have.

    As ``embed train-ranking``, whose page explains the options.

    Args:
        log: files (CSV, JSON lines, Parquet, libsvm, libffm) or patterns, read as one log; - is stdin
        user: user column: who acted (default: inferred)
        item: item column: what the user acted on (default: inferred)
        label: label column to predict: 0 and 1, or any number (default: inferred)
        time: time column of the event: Unix seconds or milliseconds, or ISO 8601 (UTC if no zone is given) (default: inferred)
        time_format: format of the time column, such as '%d/%m/%Y %H:%M' (UTC without %z); separate several formats, or iso, with |
        time_fields: features to derive from the time column: hour, dow (day of week), day, month
        time_zone: time zone for --time-fields, such as +02:00 (default: UTC)
        weight: weight column: weight of each row in training and metrics, at least 0
        session: session column: events with the same value belong together
        fields: full list of categorical features; by default every column without another role
        numeric: numeric columns, standardized; price:log1p and price:bins=20 transform a column
        multi: multi-valued column and its separator, such as 'genres:|'; repeatable
        multi_weights: multi-valued columns with weights, as in 'tea:0.5|milk:2'
        ignore: columns to exclude from the features
        side: side table to join on column KEY; FILE:KEY=SIDEKEY if the column has another name in the side table; repeatable
        drop: drop rows that match, such as 'InvoiceNo^=C' (= != ^= $= *=)
        where: keep only rows that match, such as 'Quantity > 0 and Country != "France"'
        drop_users_above: leave out users with more than n events, such as bots, with all their events
        drop_users_above_per_day: leave out users with more than n events on any one day (UTC), with all their events
        hash_keys: replace user and item ids with their HMAC-SHA256, keyed with the secret in this file
        hash_keys_of: columns to apply --hash-keys to; by default user, item and session
        input_format: format of the log; by default by the file extension
        delimiter: cell delimiter, such as ';', '::', '\\t' or '\\x01'; by default detected from the header line
        header: False: the log has no header line; columns are named c0, c1, ...
        columns: column names for a log without a header, such as label,i1..i13,c1..c26
        decimal: decimal separator of numbers, such as ',' (default: .)
        thousands: thousands separator of numbers, such as '.'
        encoding: text encoding of the log, such as utf-16le or gb18030 (default: utf-8)
        comment: skip lines that start with this string, such as #
        null: strings that mean a missing value; '' for none (default: NULL,\\N,N/A,NaN)
        dedupe: drop exact duplicate rows
        dedupe_by: columns that identify an event, such as event_id: keep one of the rows with the same cells in them
        dedupe_keep: with --dedupe-by: the row to keep, in the order of the log; last holds all rows in memory (default: first)
        on_bad_row: what to do with a malformed row: stop with an error, or skip and count it (default: error)
        max_cell: maximum size of a cell (default: 4 MiB)
        engine: read the log through DuckDB (duckdb:shop.duckdb; duckdb: alone is in memory) or a Spark Connect server (sc://localhost:15002, sc://HOST:443/;use_ssl=true)
        engine_sql: with --engine: file with a SELECT statement whose rows are the log; no log is named then
        engine_order: with --engine: columns that order the rows of a table or query; no two different rows may tie
        engine_slice: with a Spark server: size of the rows that one job returns, such as 64M; by default a file or table is one job
        engine_timeout: with a Spark server: how long it may be unreachable or silent before the command fails (default: 300)
        engine_hash: with a Spark server: record the SHA-256 of each file, which it reads once more for it
        max_bad: with --on-bad-row skip: maximum share of malformed rows; the command fails above it (default: 1%)
        bad_rows: with --on-bad-row skip: write the skipped rows to this file, one JSON object per line
        since: drop older events: an age such as 90d before the newest event (h, d, w), or a date
        event_weight: weight of each kind of event, such as type:view=1,cart=3,*=0; the column is not used as a feature
        half_life: half-life of a training event's weight, such as 30d (h, d, w)
        max_events_per_user: keep at most n events of each user, the latest ones unless --keep-events says otherwise
        keep_events: with --max-events-per-user: keep each user's latest events, or events spread evenly over the user's history, so that a split by time holds out the same share of them as of other events (default: latest)
        valid: validation split: a share such as 0.1 or 10%, a start date, or a file (default: none)
        test: test split: a share such as 0.1 or 10%, a start date, or a file (default: none)
        split: how to split rows into training, validation and test: by time, at random by cells, at random by row number (rows), by user, by item (newest held out), or each user's last events; by default by time if there is a time column, else at random
        split_key: with --split random: keep rows with equal values in these columns in the same split, such as user,item
        valid_like: with a share for --valid: hold out items whose average popularity matches the items in this log
        last: with --split last: number of each user's last events, or groups, to hold out (default: 1)
        group: with --split last: hold out events with the same value in this column together, such as InvoiceNo
        min_count: keys with fewer than n events are out-of-vocabulary; item_id=5 sets it for one field; repeatable (default: 1)
        max_vocab: keep only the n most frequent keys of each field; user_id=100000 limits one field
        min_users: keys with fewer than n distinct users are out-of-vocabulary
        hash: hash the keys of a column into 2^bits rows instead of building a vocabulary; repeatable
        row_order: keep the row numbers of an earlier run; new keys are appended
        init: warm-start from an earlier run, matching keys; keys missing from the log are kept
        expire: with --init: drop keys not seen for a time such as 8w before the newest event (h, d, w), or for a number of trainings such as 8
        freeze: with --init: known keeps the vectors of the earlier run fixed and trains only new ones
        keep_state: store the optimizer state in the run so that the next --init continues from it
        refit: after the metrics are measured, retrain on all rows, held-out ones too, for the chosen number of epochs
        checkpoint_every: save a checkpoint beside the run every n epochs
        search: train n settings of the options marked (searched), and keep the best on the validation split
        resume: resume a killed training from its checkpoint, if there is one
        on_interrupt: on Ctrl-C or SIGTERM: abort without output, or save the best epoch so far as a run (default: abort)
        max_memory: memory limit for the vectors of users, such as 4G (bpr and warp); the rest is trained from disk (default: half of the memory of the machine or its container)
        positive_from: for a log with labels: use only rows with a label of x or more as events
        item_fields: side columns of the item, used in its vector and in negatives; inferred by default
        loss: ranking loss; the training defaults depend on it (default: bpr)
        similarity: score: inner product, or cosine of user and item (sampled-softmax, and the default of ccl) (default: dot; ccl: cosine)
        negatives: number of negative candidates per event (bpr uses the highest-scored, warp the first that violates), or of negatives shared by a batch (default: bpr 1, warp 10, cosine softmax 1024, others 256)
        in_batch: also use the other items of a batch as negatives
        hard_negatives: bpr: sample the negative from candidates in this range of ranks by score, such as 2-5 (1 is the highest) (default: 1-1)
        noise: distribution to sample negatives from (default: uniform)
        log_q: False: disable the sampling correction (logQ) of the sampled softmax
        average_positives: weight events so that each user of a batch counts once
        margin: margin: warp: required score difference between items; ccl: negatives with a cosine above it are penalized (default: 1; ccl: 0.4) (searched)
        negative_weight: weight of the negatives relative to the positive item: factor of the second term of ccl, or of the log term of the softmax (default: ccl 100, cosine softmax 1.25, else 1) (searched)
        temperature: sampled-softmax: temperature; scores are divided by it (default: 0.1 for cosines, else 1) (searched)
        item_neighbors: maximum number of co-occurring items whose side features are added to an item's vector (default: none)
        neighbor_weight: total weight of an item's neighbors; its own features have weight 1 (default: 1)
        dim: embedding dimension (default: 64)
        layers: number of LightGCN propagation layers (default: 0) (searched)
        propagate: with --layers: propagate during training, or once after training (default: during)
        k: cutoff K of the ranking metrics (default: 20)
        candidates: rank the held-out items of the validation split only among the items that this file lists for each user, as evaluate --candidates does
        metric: metric at K for early stopping and --search (default: ndcg)
        evaluate_every: validate every n epochs (default: 5; 1 for shared negatives)
        start: initial vectors of users and items: random, or singular vectors of the degree-normalized user-item matrix (default: svd for the cosine softmax, else random)
        optimizer: optimizer: adam with shared negatives; sgd for bpr and warp of only users and items, faster but slightly less accurate (default: adam for the cosine softmax, else adagrad)
        batch_size: batch size in events: 256, 512, 1024, 2048 or 4096 (default: 2048 for the cosine softmax, else 256)
        epochs: maximum number of passes over the training data (default: depends on the loss, bpr 250)
        learning_rate: learning rate of the first epoch (default: depends on the loss and optimizer, bpr 0.05) (searched)
        schedule: learning rate schedule: inverse (--learning-rate-decay), or cosine with warmup over the first 1/40 of training (default: cosine for the cosine softmax, else inverse)
        learning_rate_decay: learning rate decay: in epoch e the rate is divided by 1 + x (e - 1) (default: depends on the loss and optimizer, bpr 0)
        l2: L2 penalty, sets both --l2-weight and --l2-vector
        l2_weight: L2 penalty on weights, applied at each occurrence of a feature (default: 0)
        l2_vector: L2 penalty on vectors, applied like --l2-weight (default: depends on the loss, bpr 0.003) (searched)
        threads: maximum number of threads; the result does not depend on it (default: number of cores)
        shuffle: False: train on the examples in the log's order
        seed: random seed for initial vectors, shuffling and sampling (default: 1)
        patience: early stopping: number of validations without improvement before training stops; 0 disables it (default: 4; 2 for shared negatives)
        min_delta: smallest improvement of the stopping metric that resets --patience (default: 0)
        out: run directory to write
        force: replace an existing run

    Returns:
        the run, as it is in ``out``

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return Run(call_json(_TRAIN_RANKING, locals()))


_TRAIN_RANKING = Spec(
    command="train-ranking",
    words=("log", ),
    repeats=("time_fields", "fields", "numeric", "multi", "multi_weights", "ignore", "side", "drop", "where", "hash_keys_of", "columns", "null", "dedupe_by", "engine_order", "split_key", "min_count", "max_vocab", "hash", "item_fields"),
    commas=("time_fields", "fields", "numeric", "multi_weights", "ignore", "hash_keys_of", "columns", "null", "dedupe_by", "engine_order", "split_key", "item_fields"),
    negated=("header", "log_q", "shuffle"),
    logs=("valid", "test"),
)


def train_two_tower(
    log: Logs | None = None,
    *,
    out: Path,
    user: str | None = None,
    item: str | None = None,
    label: str | None = None,
    time: str | None = None,
    time_format: str | None = None,
    time_fields: str | Sequence[str] | None = None,
    time_zone: str | None = None,
    weight: str | None = None,
    session: str | None = None,
    fields: str | Sequence[str] | None = None,
    numeric: str | Sequence[str] | None = None,
    multi: str | Sequence[str] | Mapping[str, str] | None = None,
    multi_weights: str | Sequence[str] | None = None,
    ignore: str | Sequence[str] | None = None,
    side: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = None,
    where: str | Sequence[str] | None = None,
    drop_users_above: int | None = None,
    drop_users_above_per_day: int | None = None,
    hash_keys: Path | None = None,
    hash_keys_of: str | Sequence[str] | None = None,
    input_format: Literal["csv", "jsonl", "parquet", "libsvm", "libffm"] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    columns: str | Sequence[str] | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    null: str | Sequence[str] | None = None,
    dedupe: bool | None = None,
    dedupe_by: str | Sequence[str] | None = None,
    dedupe_keep: Literal["first", "last"] | None = None,
    on_bad_row: Literal["error", "skip"] | None = None,
    max_cell: int | None = None,
    engine: str | None = None,
    engine_sql: Path | None = None,
    engine_order: str | Sequence[str] | None = None,
    engine_slice: float | str | None = None,
    engine_timeout: int | None = None,
    engine_hash: bool | None = None,
    max_bad: float | str | None = None,
    bad_rows: Path | None = None,
    since: str | None = None,
    event_weight: str | None = None,
    half_life: str | None = None,
    max_events_per_user: int | None = None,
    keep_events: Literal["latest", "spread"] | None = None,
    valid: float | Log | None = None,
    test: float | Log | None = None,
    split: Literal["time", "random", "rows", "user", "items", "last"] | None = None,
    split_key: str | Sequence[str] | None = None,
    valid_like: Path | None = None,
    last: int | None = None,
    group: str | None = None,
    min_count: float | str | Sequence[str] | None = None,
    max_vocab: float | str | Sequence[str] | None = None,
    min_users: int | None = None,
    hash: str | Sequence[str] | Mapping[str, float] | None = None,
    row_order: Path | None = None,
    init: Path | None = None,
    expire: str | None = None,
    refit: bool | None = None,
    checkpoint_every: int | None = None,
    search: int | None = None,
    resume: bool | None = None,
    on_interrupt: Literal["abort", "save"] | None = None,
    max_memory: float | str | None = None,
    positive_from: float | None = None,
    item_fields: str | Sequence[str] | None = None,
    history: float | str | None = None,
    history_of: str | Sequence[str] | None = None,
    targets: str | None = None,
    keep_repeats: bool | None = None,
    max_examples_per_user: int | None = None,
    recency: float | None = None,
    user_fields: str | Sequence[str] | None = None,
    user_bias: bool | None = None,
    example_age: bool | None = None,
    user_tower: float | str | Sequence[float] | None = None,
    skip_connection: bool | None = None,
    item_tower: float | str | Sequence[float] | None = None,
    dim: int | None = None,
    similarity: Literal["cosine", "dot"] | None = None,
    negatives: int | None = None,
    in_batch: bool | None = None,
    noise: Literal["uniform", "popularity"] | None = None,
    log_q: bool | None = None,
    negative_weight: float | None = None,
    temperature: float | None = None,
    dropout: float | None = None,
    k: int | None = None,
    candidates: Path | None = None,
    metric: Literal["recall", "ndcg", "hit-rate", "mrr", "map", "precision"] | None = None,
    evaluate_every: int | None = None,
    start: Literal["random", "svd"] | None = None,
    batch_size: int | None = None,
    epochs: int | None = None,
    learning_rate: float | None = None,
    l2: float | None = None,
    threads: int | None = None,
    shuffle: bool | None = None,
    seed: int | None = None,
    patience: int | None = None,
    min_delta: float | None = None,
    force: bool | None = None,
) -> Run:
    """Trains a two-tower model and writes a run directory.

    The user tower computes a user's vector from the user's history of items; its inner products with item vectors rank the items that the user takes next. Vectors of new users need no training: use transform --fold-in.

    As ``embed train-two-tower``, whose page explains the options.

    Args:
        log: files (CSV, JSON lines, Parquet, libsvm, libffm) or patterns, read as one log; - is stdin
        user: user column: who acted (default: inferred)
        item: item column: what the user acted on (default: inferred)
        label: label column to predict: 0 and 1, or any number (default: inferred)
        time: time column of the event: Unix seconds or milliseconds, or ISO 8601 (UTC if no zone is given) (default: inferred)
        time_format: format of the time column, such as '%d/%m/%Y %H:%M' (UTC without %z); separate several formats, or iso, with |
        time_fields: features to derive from the time column: hour, dow (day of week), day, month
        time_zone: time zone for --time-fields, such as +02:00 (default: UTC)
        weight: weight column: weight of each row in training and metrics, at least 0
        session: session column: events with the same value belong together
        fields: full list of categorical features; by default every column without another role
        numeric: numeric columns, standardized; price:log1p and price:bins=20 transform a column
        multi: multi-valued column and its separator, such as 'genres:|'; repeatable
        multi_weights: multi-valued columns with weights, as in 'tea:0.5|milk:2'
        ignore: columns to exclude from the features
        side: side table to join on column KEY; FILE:KEY=SIDEKEY if the column has another name in the side table; repeatable
        drop: drop rows that match, such as 'InvoiceNo^=C' (= != ^= $= *=)
        where: keep only rows that match, such as 'Quantity > 0 and Country != "France"'
        drop_users_above: leave out users with more than n events, such as bots, with all their events
        drop_users_above_per_day: leave out users with more than n events on any one day (UTC), with all their events
        hash_keys: replace user and item ids with their HMAC-SHA256, keyed with the secret in this file
        hash_keys_of: columns to apply --hash-keys to; by default user, item and session
        input_format: format of the log; by default by the file extension
        delimiter: cell delimiter, such as ';', '::', '\\t' or '\\x01'; by default detected from the header line
        header: False: the log has no header line; columns are named c0, c1, ...
        columns: column names for a log without a header, such as label,i1..i13,c1..c26
        decimal: decimal separator of numbers, such as ',' (default: .)
        thousands: thousands separator of numbers, such as '.'
        encoding: text encoding of the log, such as utf-16le or gb18030 (default: utf-8)
        comment: skip lines that start with this string, such as #
        null: strings that mean a missing value; '' for none (default: NULL,\\N,N/A,NaN)
        dedupe: drop exact duplicate rows
        dedupe_by: columns that identify an event, such as event_id: keep one of the rows with the same cells in them
        dedupe_keep: with --dedupe-by: the row to keep, in the order of the log; last holds all rows in memory (default: first)
        on_bad_row: what to do with a malformed row: stop with an error, or skip and count it (default: error)
        max_cell: maximum size of a cell (default: 4 MiB)
        engine: read the log through DuckDB (duckdb:shop.duckdb; duckdb: alone is in memory) or a Spark Connect server (sc://localhost:15002, sc://HOST:443/;use_ssl=true)
        engine_sql: with --engine: file with a SELECT statement whose rows are the log; no log is named then
        engine_order: with --engine: columns that order the rows of a table or query; no two different rows may tie
        engine_slice: with a Spark server: size of the rows that one job returns, such as 64M; by default a file or table is one job
        engine_timeout: with a Spark server: how long it may be unreachable or silent before the command fails (default: 300)
        engine_hash: with a Spark server: record the SHA-256 of each file, which it reads once more for it
        max_bad: with --on-bad-row skip: maximum share of malformed rows; the command fails above it (default: 1%)
        bad_rows: with --on-bad-row skip: write the skipped rows to this file, one JSON object per line
        since: drop older events: an age such as 90d before the newest event (h, d, w), or a date
        event_weight: weight of each kind of event, such as type:view=1,cart=3,*=0; the column is not used as a feature
        half_life: half-life of a training event's weight, such as 30d (h, d, w)
        max_events_per_user: keep at most n events of each user, the latest ones unless --keep-events says otherwise
        keep_events: with --max-events-per-user: keep each user's latest events, or events spread evenly over the user's history, so that a split by time holds out the same share of them as of other events (default: latest)
        valid: validation split: a share such as 0.1 or 10%, a start date, or a file (default: none)
        test: test split: a share such as 0.1 or 10%, a start date, or a file (default: none)
        split: how to split rows into training, validation and test: by time, at random by cells, at random by row number (rows), by user, by item (newest held out), or each user's last events; by default by time if there is a time column, else at random
        split_key: with --split random: keep rows with equal values in these columns in the same split, such as user,item
        valid_like: with a share for --valid: hold out items whose average popularity matches the items in this log
        last: with --split last: number of each user's last events, or groups, to hold out (default: 1)
        group: with --split last: hold out events with the same value in this column together, such as InvoiceNo
        min_count: keys with fewer than n events are out-of-vocabulary; item_id=5 sets it for one field; repeatable (default: 1)
        max_vocab: keep only the n most frequent keys of each field; user_id=100000 limits one field
        min_users: keys with fewer than n distinct users are out-of-vocabulary
        hash: hash the keys of a column into 2^bits rows instead of building a vocabulary; repeatable
        row_order: keep the row numbers of an earlier run; new keys are appended
        init: warm-start from an earlier run, matching keys; keys missing from the log are kept
        expire: with --init: drop keys not seen for a time such as 8w before the newest event (h, d, w), or for a number of trainings such as 8
        refit: after the metrics are measured, retrain on all rows, held-out ones too, for the chosen number of epochs
        checkpoint_every: save a checkpoint beside the run every n epochs
        search: train n settings of the options marked (searched), and keep the best on the validation split
        resume: resume a killed training from its checkpoint, if there is one
        on_interrupt: on Ctrl-C or SIGTERM: abort without output, or save the best epoch so far as a run (default: abort)
        max_memory: memory limit for users' events and vectors, such as 4G; above it, they are read from disk (default: half of the memory of the machine or its container)
        positive_from: for a log with labels: use only rows with a label of x or more as events
        item_fields: side columns of the item, as inputs of the item tower
        history: items in a user's history: the last n before the event, or others (all other items) for logs without times (default: 50)
        history_of: build the history from events that match, such as 'event = "search"'; repeat for several histories (default: one history of all events)
        targets: predict only events that match (default: all)
        keep_repeats: also predict items that the user already has
        max_examples_per_user: maximum number of training events per user, the newest ones, to limit the influence of very active users (default: all)
        recency: half-life of an item's weight in the history, in items before the newest (default: equal weights)
        user_fields: columns that describe the user, categorical or numeric, as inputs of the user tower (default: none)
        user_bias: without a user tower: add a shared bias vector to all users, which can represent item popularity
        example_age: add the age of the event as an input of the user tower (0 for the vectors written)
        user_tower: sizes of the user tower's hidden layers, such as 256,128; none sums the inputs (default: none)
        skip_connection: add a residual connection from the user tower's inputs to its output, and use scored item vectors in histories
        item_tower: sizes of the hidden layers of an item tower over --item-fields (default: none)
        dim: embedding dimension (default: 64)
        similarity: score: cosine of user and item, or inner product plus an item bias (default: cosine)
        negatives: number of sampled negatives shared by a batch, a multiple of 8 (default: 1024)
        in_batch: also use the other items of a batch as negatives
        noise: distribution to sample negatives from (default: uniform)
        log_q: False: disable the sampling correction (logQ) of the softmax
        negative_weight: weight of the negatives relative to the positive item: factor of the log term of the softmax (default: cosine 1.25, dot 1) (searched)
        temperature: softmax temperature; scores are divided by it (default: cosine 0.1, dot 1) (searched)
        dropout: dropout rate of the user tower's hidden layers (default: 0)
        k: cutoff K of the ranking metrics (default: 20)
        candidates: rank the held-out items of the validation split only among the items that this file lists for each user, as evaluate --candidates does
        metric: metric at K for early stopping and --search (default: ndcg)
        evaluate_every: validate every n epochs (default: 1)
        start: initial vectors of items: random, or singular vectors of the degree-normalized user-item matrix (default: svd)
        batch_size: batch size in events: 256, 512, 1024, 2048 or 4096 (default: 2048)
        epochs: maximum number of passes over the training data (default: 12)
        learning_rate: peak learning rate; warmup over the first 1/40 of training, then cosine decay to 0 (default: 0.01) (searched)
        l2: L2 penalty on vectors, applied at each update, and on the towers' weights (default: 0)
        threads: maximum number of threads; the result does not depend on it (default: number of cores)
        shuffle: False: do not shuffle: train on the events in order of user and time
        seed: random seed for initial vectors, shuffling and sampling (default: 1)
        patience: early stopping: number of validations without improvement before training stops; 0 disables it (default: 3)
        min_delta: smallest improvement of the stopping metric that resets --patience (default: 0)
        out: run directory to write
        force: replace an existing run

    Returns:
        the run, as it is in ``out``

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return Run(call_json(_TRAIN_TWO_TOWER, locals()))


_TRAIN_TWO_TOWER = Spec(
    command="train-two-tower",
    words=("log", ),
    repeats=("time_fields", "fields", "numeric", "multi", "multi_weights", "ignore", "side", "drop", "where", "hash_keys_of", "columns", "null", "dedupe_by", "engine_order", "split_key", "min_count", "max_vocab", "hash", "item_fields", "history_of", "user_fields"),
    commas=("time_fields", "fields", "numeric", "multi_weights", "ignore", "hash_keys_of", "columns", "null", "dedupe_by", "engine_order", "split_key", "item_fields", "user_fields"),
    negated=("header", "log_q", "shuffle"),
    logs=("valid", "test"),
)


def train_als(
    log: Logs | None = None,
    *,
    out: Path,
    user: str | None = None,
    item: str | None = None,
    label: str | None = None,
    time: str | None = None,
    time_format: str | None = None,
    time_fields: str | Sequence[str] | None = None,
    time_zone: str | None = None,
    weight: str | None = None,
    session: str | None = None,
    fields: str | Sequence[str] | None = None,
    numeric: str | Sequence[str] | None = None,
    multi: str | Sequence[str] | Mapping[str, str] | None = None,
    multi_weights: str | Sequence[str] | None = None,
    ignore: str | Sequence[str] | None = None,
    side: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = None,
    where: str | Sequence[str] | None = None,
    drop_users_above: int | None = None,
    drop_users_above_per_day: int | None = None,
    hash_keys: Path | None = None,
    hash_keys_of: str | Sequence[str] | None = None,
    input_format: Literal["csv", "jsonl", "parquet", "libsvm", "libffm"] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    columns: str | Sequence[str] | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    null: str | Sequence[str] | None = None,
    dedupe: bool | None = None,
    dedupe_by: str | Sequence[str] | None = None,
    dedupe_keep: Literal["first", "last"] | None = None,
    on_bad_row: Literal["error", "skip"] | None = None,
    max_cell: int | None = None,
    engine: str | None = None,
    engine_sql: Path | None = None,
    engine_order: str | Sequence[str] | None = None,
    engine_slice: float | str | None = None,
    engine_timeout: int | None = None,
    engine_hash: bool | None = None,
    max_bad: float | str | None = None,
    bad_rows: Path | None = None,
    since: str | None = None,
    event_weight: str | None = None,
    half_life: str | None = None,
    max_events_per_user: int | None = None,
    keep_events: Literal["latest", "spread"] | None = None,
    valid: float | Log | None = None,
    test: float | Log | None = None,
    split: Literal["time", "random", "rows", "user", "items", "last"] | None = None,
    split_key: str | Sequence[str] | None = None,
    valid_like: Path | None = None,
    last: int | None = None,
    group: str | None = None,
    min_count: float | str | Sequence[str] | None = None,
    max_vocab: float | str | Sequence[str] | None = None,
    min_users: int | None = None,
    hash: str | Sequence[str] | Mapping[str, float] | None = None,
    row_order: Path | None = None,
    init: Path | None = None,
    expire: str | None = None,
    freeze: Literal["known"] | None = None,
    refit: bool | None = None,
    checkpoint_every: int | None = None,
    search: int | None = None,
    resume: bool | None = None,
    on_interrupt: Literal["abort", "save"] | None = None,
    engine_train: bool | None = None,
    max_memory: float | str | None = None,
    positive_from: float | None = None,
    dim: int | None = None,
    unobserved_weight: float | None = None,
    l2_vector: float | None = None,
    l2_exponent: float | None = None,
    epochs: int | None = None,
    k: int | None = None,
    candidates: Path | None = None,
    metric: Literal["recall", "ndcg", "hit-rate", "mrr", "map", "precision"] | None = None,
    patience: int | None = None,
    seed: int | None = None,
    threads: int | None = None,
    force: bool | None = None,
) -> Run:
    """Factorizes the user-item matrix of events by alternating least squares, with a small weight on unobserved pairs, and writes a run directory with a vector per user and item.

    As ``embed train-als``, whose page explains the options.

    Args:
        log: files (CSV, JSON lines, Parquet, libsvm, libffm) or patterns, read as one log; - is stdin
        user: user column: who acted (default: inferred)
        item: item column: what the user acted on (default: inferred)
        label: label column to predict: 0 and 1, or any number (default: inferred)
        time: time column of the event: Unix seconds or milliseconds, or ISO 8601 (UTC if no zone is given) (default: inferred)
        time_format: format of the time column, such as '%d/%m/%Y %H:%M' (UTC without %z); separate several formats, or iso, with |
        time_fields: features to derive from the time column: hour, dow (day of week), day, month
        time_zone: time zone for --time-fields, such as +02:00 (default: UTC)
        weight: weight column: weight of each row in training and metrics, at least 0
        session: session column: events with the same value belong together
        fields: full list of categorical features; by default every column without another role
        numeric: numeric columns, standardized; price:log1p and price:bins=20 transform a column
        multi: multi-valued column and its separator, such as 'genres:|'; repeatable
        multi_weights: multi-valued columns with weights, as in 'tea:0.5|milk:2'
        ignore: columns to exclude from the features
        side: side table to join on column KEY; FILE:KEY=SIDEKEY if the column has another name in the side table; repeatable
        drop: drop rows that match, such as 'InvoiceNo^=C' (= != ^= $= *=)
        where: keep only rows that match, such as 'Quantity > 0 and Country != "France"'
        drop_users_above: leave out users with more than n events, such as bots, with all their events
        drop_users_above_per_day: leave out users with more than n events on any one day (UTC), with all their events
        hash_keys: replace user and item ids with their HMAC-SHA256, keyed with the secret in this file
        hash_keys_of: columns to apply --hash-keys to; by default user, item and session
        input_format: format of the log; by default by the file extension
        delimiter: cell delimiter, such as ';', '::', '\\t' or '\\x01'; by default detected from the header line
        header: False: the log has no header line; columns are named c0, c1, ...
        columns: column names for a log without a header, such as label,i1..i13,c1..c26
        decimal: decimal separator of numbers, such as ',' (default: .)
        thousands: thousands separator of numbers, such as '.'
        encoding: text encoding of the log, such as utf-16le or gb18030 (default: utf-8)
        comment: skip lines that start with this string, such as #
        null: strings that mean a missing value; '' for none (default: NULL,\\N,N/A,NaN)
        dedupe: drop exact duplicate rows
        dedupe_by: columns that identify an event, such as event_id: keep one of the rows with the same cells in them
        dedupe_keep: with --dedupe-by: the row to keep, in the order of the log; last holds all rows in memory (default: first)
        on_bad_row: what to do with a malformed row: stop with an error, or skip and count it (default: error)
        max_cell: maximum size of a cell (default: 4 MiB)
        engine: read the log through DuckDB (duckdb:shop.duckdb; duckdb: alone is in memory) or a Spark Connect server (sc://localhost:15002, sc://HOST:443/;use_ssl=true)
        engine_sql: with --engine: file with a SELECT statement whose rows are the log; no log is named then
        engine_order: with --engine: columns that order the rows of a table or query; no two different rows may tie
        engine_slice: with a Spark server: size of the rows that one job returns, such as 64M; by default a file or table is one job
        engine_timeout: with a Spark server: how long it may be unreachable or silent before the command fails (default: 300)
        engine_hash: with a Spark server: record the SHA-256 of each file, which it reads once more for it
        max_bad: with --on-bad-row skip: maximum share of malformed rows; the command fails above it (default: 1%)
        bad_rows: with --on-bad-row skip: write the skipped rows to this file, one JSON object per line
        since: drop older events: an age such as 90d before the newest event (h, d, w), or a date
        event_weight: weight of each kind of event, such as type:view=1,cart=3,*=0; the column is not used as a feature
        half_life: half-life of a training event's weight, such as 30d (h, d, w)
        max_events_per_user: keep at most n events of each user, the latest ones unless --keep-events says otherwise
        keep_events: with --max-events-per-user: keep each user's latest events, or events spread evenly over the user's history, so that a split by time holds out the same share of them as of other events (default: latest)
        valid: validation split: a share such as 0.1 or 10%, a start date, or a file (default: none)
        test: test split: a share such as 0.1 or 10%, a start date, or a file (default: none)
        split: how to split rows into training, validation and test: by time, at random by cells, at random by row number (rows), by user, by item (newest held out), or each user's last events; by default by time if there is a time column, else at random
        split_key: with --split random: keep rows with equal values in these columns in the same split, such as user,item
        valid_like: with a share for --valid: hold out items whose average popularity matches the items in this log
        last: with --split last: number of each user's last events, or groups, to hold out (default: 1)
        group: with --split last: hold out events with the same value in this column together, such as InvoiceNo
        min_count: keys with fewer than n events are out-of-vocabulary; item_id=5 sets it for one field; repeatable (default: 1)
        max_vocab: keep only the n most frequent keys of each field; user_id=100000 limits one field
        min_users: keys with fewer than n distinct users are out-of-vocabulary
        hash: hash the keys of a column into 2^bits rows instead of building a vocabulary; repeatable
        row_order: keep the row numbers of an earlier run; new keys are appended
        init: warm-start from an earlier run, matching keys; keys missing from the log are kept
        expire: with --init: drop keys not seen for a time such as 8w before the newest event (h, d, w), or for a number of trainings such as 8
        freeze: with --init: known keeps the vectors of the earlier run fixed and trains only new ones
        refit: after the metrics are measured, retrain on all rows, held-out ones too, for the chosen number of epochs
        checkpoint_every: save a checkpoint beside the run every n epochs
        search: train n settings of the options marked (searched), and keep the best on the validation split
        resume: resume a killed training from its checkpoint, if there is one
        on_interrupt: on Ctrl-C or SIGTERM: abort without output, or save the best epoch so far as a run (default: abort)
        engine_train: with a Spark server: train there, too; the result is no longer the same bytes
        max_memory: memory limit for vectors and events, such as 4G; above it, those of users are read from disk (default: half of the memory of the machine or its container)
        positive_from: for a log with labels: use only rows with a label of x or more as events
        dim: embedding dimension (default: 64) (searched)
        unobserved_weight: weight of an unobserved user-item pair; observed pairs have weight 1 (default: chosen so that all pairs together weigh 15 times the events) (searched)
        l2_vector: L2 penalty on vectors (default: 0.005) (searched)
        l2_exponent: the L2 penalty of a user or item is scaled by its number of events to this power (default: 1) (searched)
        epochs: maximum number of epochs; each epoch solves for all users, then for all items (default: 20 with --valid, else 6)
        k: cutoff K of the ranking metrics (default: 20)
        candidates: rank the held-out items of the validation split only among the items that this file lists for each user, as evaluate --candidates does
        metric: metric at K for early stopping and --search (default: ndcg)
        patience: early stopping: number of validations without improvement before training stops; 0 disables it (default: 2)
        seed: random seed for initial vectors and splits (default: 1)
        threads: maximum number of threads; the result does not depend on it (default: number of cores)
        out: run directory to write
        force: replace an existing run

    Returns:
        the run, as it is in ``out``

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return Run(call_json(_TRAIN_ALS, locals()))


_TRAIN_ALS = Spec(
    command="train-als",
    words=("log", ),
    repeats=("time_fields", "fields", "numeric", "multi", "multi_weights", "ignore", "side", "drop", "where", "hash_keys_of", "columns", "null", "dedupe_by", "engine_order", "split_key", "min_count", "max_vocab", "hash"),
    commas=("time_fields", "fields", "numeric", "multi_weights", "ignore", "hash_keys_of", "columns", "null", "dedupe_by", "engine_order", "split_key"),
    negated=("header",),
    logs=("valid", "test"),
)


def train_item2vec(
    log: Logs | None = None,
    *,
    out: Path,
    user: str | None = None,
    item: str | None = None,
    label: str | None = None,
    time: str | None = None,
    time_format: str | None = None,
    time_fields: str | Sequence[str] | None = None,
    time_zone: str | None = None,
    weight: str | None = None,
    session: str | None = None,
    fields: str | Sequence[str] | None = None,
    numeric: str | Sequence[str] | None = None,
    multi: str | Sequence[str] | Mapping[str, str] | None = None,
    multi_weights: str | Sequence[str] | None = None,
    ignore: str | Sequence[str] | None = None,
    side: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = None,
    where: str | Sequence[str] | None = None,
    drop_users_above: int | None = None,
    drop_users_above_per_day: int | None = None,
    hash_keys: Path | None = None,
    hash_keys_of: str | Sequence[str] | None = None,
    input_format: Literal["csv", "jsonl", "parquet", "libsvm", "libffm"] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    columns: str | Sequence[str] | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    null: str | Sequence[str] | None = None,
    dedupe: bool | None = None,
    dedupe_by: str | Sequence[str] | None = None,
    dedupe_keep: Literal["first", "last"] | None = None,
    on_bad_row: Literal["error", "skip"] | None = None,
    max_cell: int | None = None,
    engine: str | None = None,
    engine_sql: Path | None = None,
    engine_order: str | Sequence[str] | None = None,
    engine_slice: float | str | None = None,
    engine_timeout: int | None = None,
    engine_hash: bool | None = None,
    max_bad: float | str | None = None,
    bad_rows: Path | None = None,
    since: str | None = None,
    event_weight: str | None = None,
    half_life: str | None = None,
    max_events_per_user: int | None = None,
    keep_events: Literal["latest", "spread"] | None = None,
    valid: float | Log | None = None,
    test: float | Log | None = None,
    split: Literal["time", "random", "rows", "user", "items", "last"] | None = None,
    split_key: str | Sequence[str] | None = None,
    valid_like: Path | None = None,
    last: int | None = None,
    group: str | None = None,
    min_count: float | str | Sequence[str] | None = None,
    max_vocab: float | str | Sequence[str] | None = None,
    min_users: int | None = None,
    row_order: Path | None = None,
    positive_from: float | None = None,
    init: Path | None = None,
    expire: str | None = None,
    freeze: Literal["known"] | None = None,
    keep_state: bool | None = None,
    refit: bool | None = None,
    checkpoint_every: int | None = None,
    search: int | None = None,
    resume: bool | None = None,
    on_interrupt: Literal["abort", "save"] | None = None,
    max_memory: float | str | None = None,
    session_gap: str | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    tokens: str | Sequence[str] | None = None,
    keep_repeats: bool | None = None,
    goal: str | None = None,
    goal_weight: int | None = None,
    reject: str | None = None,
    negatives_within: str | None = None,
    market_negatives: int | None = None,
    dim: int | None = None,
    window: float | Literal["session"] | None = None,
    window_direction: Literal["both", "after"] | None = None,
    negatives: int | None = None,
    noise_exponent: float | None = None,
    subsample: float | None = None,
    epochs: int | None = None,
    learning_rate: float | None = None,
    patience: int | None = None,
    min_delta: float | None = None,
    metric: Literal["loss", "recall"] | None = None,
    k: int | None = None,
    seed: int | None = None,
    threads: int | None = None,
    force: bool | None = None,
) -> Run:
    """Learns a vector for each item from the items around it in sessions (skip-gram with negative sampling) and writes a run directory with a table of item vectors and one of context vectors.

    As ``embed train-item2vec``, whose page explains the options.

    Args:
        log: files (CSV, JSON lines, Parquet, libsvm, libffm) or patterns, read as one log; - is stdin
        user: user column: who acted (default: inferred)
        item: item column: what the user acted on (default: inferred)
        label: label column to predict: 0 and 1, or any number (default: inferred)
        time: time column of the event: Unix seconds or milliseconds, or ISO 8601 (UTC if no zone is given) (default: inferred)
        time_format: format of the time column, such as '%d/%m/%Y %H:%M' (UTC without %z); separate several formats, or iso, with |
        time_fields: features to derive from the time column: hour, dow (day of week), day, month
        time_zone: time zone for --time-fields, such as +02:00 (default: UTC)
        weight: weight column: weight of each row in training and metrics, at least 0
        session: session column: events with the same value belong together
        fields: full list of categorical features; by default every column without another role
        numeric: numeric columns, standardized; price:log1p and price:bins=20 transform a column
        multi: multi-valued column and its separator, such as 'genres:|'; repeatable
        multi_weights: multi-valued columns with weights, as in 'tea:0.5|milk:2'
        ignore: columns to exclude from the features
        side: side table to join on column KEY; FILE:KEY=SIDEKEY if the column has another name in the side table; repeatable
        drop: drop rows that match, such as 'InvoiceNo^=C' (= != ^= $= *=)
        where: keep only rows that match, such as 'Quantity > 0 and Country != "France"'
        drop_users_above: leave out users with more than n events, such as bots, with all their events
        drop_users_above_per_day: leave out users with more than n events on any one day (UTC), with all their events
        hash_keys: replace user and item ids with their HMAC-SHA256, keyed with the secret in this file
        hash_keys_of: columns to apply --hash-keys to; by default user, item and session
        input_format: format of the log; by default by the file extension
        delimiter: cell delimiter, such as ';', '::', '\\t' or '\\x01'; by default detected from the header line
        header: False: the log has no header line; columns are named c0, c1, ...
        columns: column names for a log without a header, such as label,i1..i13,c1..c26
        decimal: decimal separator of numbers, such as ',' (default: .)
        thousands: thousands separator of numbers, such as '.'
        encoding: text encoding of the log, such as utf-16le or gb18030 (default: utf-8)
        comment: skip lines that start with this string, such as #
        null: strings that mean a missing value; '' for none (default: NULL,\\N,N/A,NaN)
        dedupe: drop exact duplicate rows
        dedupe_by: columns that identify an event, such as event_id: keep one of the rows with the same cells in them
        dedupe_keep: with --dedupe-by: the row to keep, in the order of the log; last holds all rows in memory (default: first)
        on_bad_row: what to do with a malformed row: stop with an error, or skip and count it (default: error)
        max_cell: maximum size of a cell (default: 4 MiB)
        engine: read the log through DuckDB (duckdb:shop.duckdb; duckdb: alone is in memory) or a Spark Connect server (sc://localhost:15002, sc://HOST:443/;use_ssl=true)
        engine_sql: with --engine: file with a SELECT statement whose rows are the log; no log is named then
        engine_order: with --engine: columns that order the rows of a table or query; no two different rows may tie
        engine_slice: with a Spark server: size of the rows that one job returns, such as 64M; by default a file or table is one job
        engine_timeout: with a Spark server: how long it may be unreachable or silent before the command fails (default: 300)
        engine_hash: with a Spark server: record the SHA-256 of each file, which it reads once more for it
        max_bad: with --on-bad-row skip: maximum share of malformed rows; the command fails above it (default: 1%)
        bad_rows: with --on-bad-row skip: write the skipped rows to this file, one JSON object per line
        since: drop older events: an age such as 90d before the newest event (h, d, w), or a date
        event_weight: weight of each kind of event, such as type:view=1,cart=3,*=0; the column is not used as a feature
        half_life: half-life of a training event's weight, such as 30d (h, d, w)
        max_events_per_user: keep at most n events of each user, the latest ones unless --keep-events says otherwise
        keep_events: with --max-events-per-user: keep each user's latest events, or events spread evenly over the user's history, so that a split by time holds out the same share of them as of other events (default: latest)
        valid: validation split: a share such as 0.1 or 10%, a start date, or a file (default: none)
        test: test split: a share such as 0.1 or 10%, a start date, or a file (default: none)
        split: how to split rows into training, validation and test: by time, at random by cells, at random by row number (rows), by user, by item (newest held out), or each user's last events; by default by time if there is a time column, else at random
        split_key: with --split random: keep rows with equal values in these columns in the same split, such as user,item
        valid_like: with a share for --valid: hold out items whose average popularity matches the items in this log
        last: with --split last: number of each user's last events, or groups, to hold out (default: 1)
        group: with --split last: hold out events with the same value in this column together, such as InvoiceNo
        min_count: keys with fewer than n events are out-of-vocabulary; item_id=5 sets it for one field; repeatable (default: 1)
        max_vocab: keep only the n most frequent keys of each field; user_id=100000 limits one field
        min_users: keys with fewer than n distinct users are out-of-vocabulary
        row_order: keep the row numbers of an earlier run; new keys are appended
        positive_from: convert labels to 0 and 1: x or more is 1; with --negatives, only those rows are events
        init: warm-start from an earlier run, matching keys; keys missing from the log are kept
        expire: with --init: drop keys not seen for a time such as 8w before the newest event (h, d, w), or for a number of trainings such as 8
        freeze: with --init: known keeps the vectors of the earlier run fixed and trains only new ones
        keep_state: store the optimizer state in the run so that the next --init continues from it
        refit: after the metrics are measured, retrain on all rows, held-out ones too, for the chosen number of epochs
        checkpoint_every: save a checkpoint beside the run every n epochs
        search: train n settings of the options marked (searched), and keep the best on the validation split
        resume: resume a killed training from its checkpoint, if there is one
        on_interrupt: on Ctrl-C or SIGTERM: abort without output, or save the best epoch so far as a run (default: abort)
        max_memory: memory limit for the rows of an encoded dataset, such as 4G; larger datasets are read from disk during training (default: half of the memory of the machine or its container)
        session_gap: without --session: split a user's events into sessions at gaps longer than this, such as 30m (s, m, h, d)
        min_length: drop sessions with fewer than n events (default: 2)
        max_length: split sessions longer than n events (default: 10000)
        tokens: columns to embed in one space, such as user,item,category; an event contributes its keys in this order; by default only the item
        keep_repeats: keep consecutive events with the same item (or --tokens); by default repeats are dropped
        goal: goal events of sessions, such as 'event = "booking"'; their items are contexts of every item in the session
        goal_weight: number of times an epoch visits a session with a goal (default: 1)
        reject: rejection events, such as 'event = "rejection"'; their items are negatives of every item in the session instead of contexts
        negatives_within: market column of the item: adds negatives sampled from items with the same value
        market_negatives: number of additional negatives from the item's market (--negatives-within) (default: 5)
        dim: embedding dimension (default: 64)
        window: context window: number of events before and after an item, with all their --tokens; session uses all events of the session (default: 5) (searched)
        window_direction: use contexts on both sides of an item, or only those that follow it (default: both)
        negatives: number of negatives per context pair (default: 5) (searched)
        noise_exponent: exponent of the noise distribution for negatives, over item frequency; 0 is uniform (default: 0.75) (searched)
        subsample: subsampling threshold: randomly drops events of items above this share of all events (word2vec's sample); 0 disables it (default: 0) (searched)
        epochs: maximum number of passes over the sessions (default: 5)
        learning_rate: initial learning rate (AdaGrad), decayed linearly to 1/10000 of it (default: 0.8, or 0.2 if items have more than 500 events) (searched)
        patience: early stopping: number of validations without improvement before training stops; 0 disables it (default: 2)
        min_delta: smallest improvement of the stopping metric that resets --patience (default: 0)
        metric: metric for early stopping and --search: loss on held-out pairs, or recall, the share of held-out items among the --k nearest of the preceding item (default: loss; with --search recall)
        k: with --metric recall: cutoff K (default: 20)
        seed: random seed for initial vectors, shuffling and sampling (default: 1)
        threads: maximum number of threads; the result does not depend on it (default: number of cores)
        out: run directory to write
        force: replace an existing run

    Returns:
        the run, as it is in ``out``

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return Run(call_json(_TRAIN_ITEM2VEC, locals()))


_TRAIN_ITEM2VEC = Spec(
    command="train-item2vec",
    words=("log", ),
    repeats=("time_fields", "fields", "numeric", "multi", "multi_weights", "ignore", "side", "drop", "where", "hash_keys_of", "columns", "null", "dedupe_by", "engine_order", "split_key", "min_count", "max_vocab", "tokens"),
    commas=("time_fields", "fields", "numeric", "multi_weights", "ignore", "hash_keys_of", "columns", "null", "dedupe_by", "engine_order", "split_key", "tokens"),
    negated=("header",),
    logs=("valid", "test"),
)


def train_graph(
    log: Logs | None = None,
    *,
    out: Path,
    user: str | None = None,
    item: str | None = None,
    label: str | None = None,
    time: str | None = None,
    time_format: str | None = None,
    time_fields: str | Sequence[str] | None = None,
    time_zone: str | None = None,
    weight: str | None = None,
    session: str | None = None,
    fields: str | Sequence[str] | None = None,
    numeric: str | Sequence[str] | None = None,
    multi: str | Sequence[str] | Mapping[str, str] | None = None,
    multi_weights: str | Sequence[str] | None = None,
    ignore: str | Sequence[str] | None = None,
    side: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = None,
    where: str | Sequence[str] | None = None,
    drop_users_above: int | None = None,
    drop_users_above_per_day: int | None = None,
    hash_keys: Path | None = None,
    hash_keys_of: str | Sequence[str] | None = None,
    input_format: Literal["csv", "jsonl", "parquet", "libsvm", "libffm"] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    columns: str | Sequence[str] | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    null: str | Sequence[str] | None = None,
    dedupe: bool | None = None,
    dedupe_by: str | Sequence[str] | None = None,
    dedupe_keep: Literal["first", "last"] | None = None,
    on_bad_row: Literal["error", "skip"] | None = None,
    max_cell: int | None = None,
    engine: str | None = None,
    engine_sql: Path | None = None,
    engine_order: str | Sequence[str] | None = None,
    engine_slice: float | str | None = None,
    engine_timeout: int | None = None,
    engine_hash: bool | None = None,
    max_bad: float | str | None = None,
    bad_rows: Path | None = None,
    since: str | None = None,
    event_weight: str | None = None,
    half_life: str | None = None,
    max_events_per_user: int | None = None,
    keep_events: Literal["latest", "spread"] | None = None,
    valid: float | Log | None = None,
    test: float | Log | None = None,
    split: Literal["time", "random", "rows", "user", "items", "last"] | None = None,
    split_key: str | Sequence[str] | None = None,
    valid_like: Path | None = None,
    last: int | None = None,
    group: str | None = None,
    min_count: float | str | Sequence[str] | None = None,
    max_vocab: float | str | Sequence[str] | None = None,
    min_users: int | None = None,
    row_order: Path | None = None,
    positive_from: float | None = None,
    init: Path | None = None,
    expire: str | None = None,
    freeze: Literal["known"] | None = None,
    keep_state: bool | None = None,
    refit: bool | None = None,
    checkpoint_every: int | None = None,
    search: int | None = None,
    resume: bool | None = None,
    on_interrupt: Literal["abort", "save"] | None = None,
    max_memory: float | str | None = None,
    source: str | None = None,
    target: str | None = None,
    directed: bool | None = None,
    undirected: bool | None = None,
    session_gap: str | None = None,
    min_stay: str | None = None,
    method: Literal["deepwalk", "node2vec", "line", "eges"] | None = None,
    metric: Literal["loss", "auc"] | None = None,
    dim: int | None = None,
    item_fields: str | Sequence[str] | None = None,
    aggregate: Literal["attention", "mean"] | None = None,
    num_walks: int | None = None,
    walk_length: int | None = None,
    window: int | None = None,
    p: float | None = None,
    q: float | None = None,
    order: Literal[1] | Literal[2] | Literal["both"] | None = None,
    samples: int | None = None,
    negatives: int | None = None,
    noise_exponent: float | None = None,
    epochs: int | None = None,
    learning_rate: float | None = None,
    patience: int | None = None,
    min_delta: float | None = None,
    walks_out: Path | None = None,
    seed: int | None = None,
    threads: int | None = None,
    force: bool | None = None,
) -> Run:
    """Learns a vector for each node of a graph with DeepWalk, node2vec, LINE or EGES and writes a run directory.

    The graph is an edge list, or is built from consecutive events in sessions.

    As ``embed train-graph``, whose page explains the options.

    Args:
        log: files (CSV, JSON lines, Parquet, libsvm, libffm) or patterns, read as one log; - is stdin
        user: user column: who acted (default: inferred)
        item: item column: what the user acted on (default: inferred)
        label: label column to predict: 0 and 1, or any number (default: inferred)
        time: time column of the event: Unix seconds or milliseconds, or ISO 8601 (UTC if no zone is given) (default: inferred)
        time_format: format of the time column, such as '%d/%m/%Y %H:%M' (UTC without %z); separate several formats, or iso, with |
        time_fields: features to derive from the time column: hour, dow (day of week), day, month
        time_zone: time zone for --time-fields, such as +02:00 (default: UTC)
        weight: weight column: weight of each row in training and metrics, at least 0
        session: session column: events with the same value belong together
        fields: full list of categorical features; by default every column without another role
        numeric: numeric columns, standardized; price:log1p and price:bins=20 transform a column
        multi: multi-valued column and its separator, such as 'genres:|'; repeatable
        multi_weights: multi-valued columns with weights, as in 'tea:0.5|milk:2'
        ignore: columns to exclude from the features
        side: side table to join on column KEY; FILE:KEY=SIDEKEY if the column has another name in the side table; repeatable
        drop: drop rows that match, such as 'InvoiceNo^=C' (= != ^= $= *=)
        where: keep only rows that match, such as 'Quantity > 0 and Country != "France"'
        drop_users_above: leave out users with more than n events, such as bots, with all their events
        drop_users_above_per_day: leave out users with more than n events on any one day (UTC), with all their events
        hash_keys: replace user and item ids with their HMAC-SHA256, keyed with the secret in this file
        hash_keys_of: columns to apply --hash-keys to; by default user, item and session
        input_format: format of the log; by default by the file extension
        delimiter: cell delimiter, such as ';', '::', '\\t' or '\\x01'; by default detected from the header line
        header: False: the log has no header line; columns are named c0, c1, ...
        columns: column names for a log without a header, such as label,i1..i13,c1..c26
        decimal: decimal separator of numbers, such as ',' (default: .)
        thousands: thousands separator of numbers, such as '.'
        encoding: text encoding of the log, such as utf-16le or gb18030 (default: utf-8)
        comment: skip lines that start with this string, such as #
        null: strings that mean a missing value; '' for none (default: NULL,\\N,N/A,NaN)
        dedupe: drop exact duplicate rows
        dedupe_by: columns that identify an event, such as event_id: keep one of the rows with the same cells in them
        dedupe_keep: with --dedupe-by: the row to keep, in the order of the log; last holds all rows in memory (default: first)
        on_bad_row: what to do with a malformed row: stop with an error, or skip and count it (default: error)
        max_cell: maximum size of a cell (default: 4 MiB)
        engine: read the log through DuckDB (duckdb:shop.duckdb; duckdb: alone is in memory) or a Spark Connect server (sc://localhost:15002, sc://HOST:443/;use_ssl=true)
        engine_sql: with --engine: file with a SELECT statement whose rows are the log; no log is named then
        engine_order: with --engine: columns that order the rows of a table or query; no two different rows may tie
        engine_slice: with a Spark server: size of the rows that one job returns, such as 64M; by default a file or table is one job
        engine_timeout: with a Spark server: how long it may be unreachable or silent before the command fails (default: 300)
        engine_hash: with a Spark server: record the SHA-256 of each file, which it reads once more for it
        max_bad: with --on-bad-row skip: maximum share of malformed rows; the command fails above it (default: 1%)
        bad_rows: with --on-bad-row skip: write the skipped rows to this file, one JSON object per line
        since: drop older events: an age such as 90d before the newest event (h, d, w), or a date
        event_weight: weight of each kind of event, such as type:view=1,cart=3,*=0; the column is not used as a feature
        half_life: half-life of a training event's weight, such as 30d (h, d, w)
        max_events_per_user: keep at most n events of each user, the latest ones unless --keep-events says otherwise
        keep_events: with --max-events-per-user: keep each user's latest events, or events spread evenly over the user's history, so that a split by time holds out the same share of them as of other events (default: latest)
        valid: validation split: a share such as 0.1 or 10%, a start date, or a file (default: none)
        test: test split: a share such as 0.1 or 10%, a start date, or a file (default: none)
        split: how to split rows into training, validation and test: by time, at random by cells, at random by row number (rows), by user, by item (newest held out), or each user's last events; by default by time if there is a time column, else at random
        split_key: with --split random: keep rows with equal values in these columns in the same split, such as user,item
        valid_like: with a share for --valid: hold out items whose average popularity matches the items in this log
        last: with --split last: number of each user's last events, or groups, to hold out (default: 1)
        group: with --split last: hold out events with the same value in this column together, such as InvoiceNo
        min_count: keys with fewer than n events are out-of-vocabulary; item_id=5 sets it for one field; repeatable (default: 1)
        max_vocab: keep only the n most frequent keys of each field; user_id=100000 limits one field
        min_users: keys with fewer than n distinct users are out-of-vocabulary
        row_order: keep the row numbers of an earlier run; new keys are appended
        positive_from: convert labels to 0 and 1: x or more is 1; with --negatives, only those rows are events
        init: warm-start from an earlier run, matching keys; keys missing from the log are kept
        expire: with --init: drop keys not seen for a time such as 8w before the newest event (h, d, w), or for a number of trainings such as 8
        freeze: with --init: known keeps the vectors of the earlier run fixed and trains only new ones
        keep_state: store the optimizer state in the run so that the next --init continues from it
        refit: after the metrics are measured, retrain on all rows, held-out ones too, for the chosen number of epochs
        checkpoint_every: save a checkpoint beside the run every n epochs
        search: train n settings of the options marked (searched), and keep the best on the validation split
        resume: resume a killed training from its checkpoint, if there is one
        on_interrupt: on Ctrl-C or SIGTERM: abort without output, or save the best epoch so far as a run (default: abort)
        max_memory: memory limit for the rows of an encoded dataset, such as 4G; larger datasets are read from disk during training (default: half of the memory of the machine or its container)
        source: for an edge list: column of the source node
        target: for an edge list: column of the target node
        directed: treat edges as directed (default for sessions)
        undirected: treat edges as undirected (default for edge lists)
        session_gap: without --session: split a user's events into sessions at gaps longer than this, such as 30m (s, m, h, d)
        min_stay: drop events followed by the user's next event within this time, such as 1s (s, m, h, d)
        method: method: deepwalk (uniform random walks), node2vec (walks biased by --p and --q), line (edges) or eges (walks and side information) (default: deepwalk)
        metric: metric by which --search compares settings: loss of held-out edges, or of an edge list the AUC of held-out edges against pairs without one; early stopping always uses the loss (default: auc; for sessions loss)
        dim: embedding dimension (default: 128; 160 with --method eges)
        item_fields: side columns that describe the item, such as brand,category; each value gets a vector (default: inferred: columns with one value per item)
        aggregate: how to combine the vectors of an item and its --item-fields: learned weights (EGES) or the mean (GES) (default: attention)
        num_walks: number of random walks from each node per epoch (default: 10; 20 with --method eges)
        walk_length: maximum number of nodes per walk (default: 80; 10 with --method eges) (searched)
        window: context window: number of nodes before and after each node of a walk (default: 10; 5 with --method eges) (searched)
        p: node2vec return parameter: values below 1 make walks more likely to step back (default: 1) (searched)
        q: node2vec in-out parameter: values below 1 make walks move away from the start (default: 1) (searched)
        order: LINE proximity: first order (1, neighbors), second order (2, common neighbors), or both, with half of --dim each (default: both; 2 for directed edges)
        samples: number of edges to sample per epoch, in proportion to their weight (default: 100 per edge, at least 1000000)
        negatives: number of negatives per context pair (default: 5)
        noise_exponent: exponent of the visit counts of nodes in the noise distribution of negatives; 0 is uniform (default: 0.75)
        epochs: maximum number of epochs; each epoch generates new walks (default: 1; with walks up to 4, so that they pass each edge of a node 64 times)
        learning_rate: initial learning rate (AdaGrad), decayed linearly to 1/10000 of it (default: 0.8, or 0.1 (line: 0.2) if an epoch visits a node more than 500 times) (searched)
        patience: early stopping: number of validations without improvement before training stops; 0 disables it (default: 2)
        min_delta: smallest improvement of the stopping metric that resets --patience (default: 0)
        walks_out: write the walks of the first epoch to this file, one walk per line, keys separated by spaces
        seed: random seed for initial vectors, walks and sampling (default: 1)
        threads: maximum number of threads; the result does not depend on it (default: number of cores)
        out: run directory to write
        force: replace an existing run

    Returns:
        the run, as it is in ``out``

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return Run(call_json(_TRAIN_GRAPH, locals()))


_TRAIN_GRAPH = Spec(
    command="train-graph",
    words=("log", ),
    repeats=("time_fields", "fields", "numeric", "multi", "multi_weights", "ignore", "side", "drop", "where", "hash_keys_of", "columns", "null", "dedupe_by", "engine_order", "split_key", "min_count", "max_vocab", "item_fields"),
    commas=("time_fields", "fields", "numeric", "multi_weights", "ignore", "hash_keys_of", "columns", "null", "dedupe_by", "engine_order", "split_key", "item_fields"),
    negated=("header",),
    logs=("valid", "test"),
)


def train_gbdt(
    log: Logs | None = None,
    *,
    out: Path,
    user: str | None = None,
    item: str | None = None,
    label: str | None = None,
    time: str | None = None,
    time_format: str | None = None,
    time_fields: str | Sequence[str] | None = None,
    time_zone: str | None = None,
    weight: str | None = None,
    session: str | None = None,
    fields: str | Sequence[str] | None = None,
    numeric: str | Sequence[str] | None = None,
    multi: str | Sequence[str] | Mapping[str, str] | None = None,
    multi_weights: str | Sequence[str] | None = None,
    ignore: str | Sequence[str] | None = None,
    side: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = None,
    where: str | Sequence[str] | None = None,
    drop_users_above: int | None = None,
    drop_users_above_per_day: int | None = None,
    hash_keys: Path | None = None,
    hash_keys_of: str | Sequence[str] | None = None,
    input_format: Literal["csv", "jsonl", "parquet", "libsvm", "libffm"] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    columns: str | Sequence[str] | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    null: str | Sequence[str] | None = None,
    dedupe: bool | None = None,
    dedupe_by: str | Sequence[str] | None = None,
    dedupe_keep: Literal["first", "last"] | None = None,
    on_bad_row: Literal["error", "skip"] | None = None,
    max_cell: int | None = None,
    engine: str | None = None,
    engine_sql: Path | None = None,
    engine_order: str | Sequence[str] | None = None,
    engine_slice: float | str | None = None,
    engine_timeout: int | None = None,
    engine_hash: bool | None = None,
    max_bad: float | str | None = None,
    bad_rows: Path | None = None,
    since: str | None = None,
    event_weight: str | None = None,
    half_life: str | None = None,
    max_events_per_user: int | None = None,
    keep_events: Literal["latest", "spread"] | None = None,
    valid: float | Log | None = None,
    test: float | Log | None = None,
    split: Literal["time", "random", "rows", "user", "items", "last"] | None = None,
    split_key: str | Sequence[str] | None = None,
    valid_like: Path | None = None,
    last: int | None = None,
    group: str | None = None,
    task: Literal["binary", "regression", "multiclass"] | None = None,
    positive_from: float | None = None,
    head: Literal["lr"] | None = None,
    head_split: float | None = None,
    head_l2: float | None = None,
    head_prior: Literal["zero", "leaf-values"] | None = None,
    head_method: Literal["lbfgs", "ftrl"] | None = None,
    head_l1: float | None = None,
    cross_fit: int | None = None,
    ctr: str | Sequence[str] | None = None,
    ctr_pairs: float | Literal["auto"] | None = None,
    ctr_keep: bool | None = None,
    ctr_prior: float | None = None,
    ctr_prior_weight: float | None = None,
    ctr_permutations: int | None = None,
    entity: str | None = None,
    dim: int | None = None,
    dense: int | None = None,
    init: Path | None = None,
    refit: bool | None = None,
    refit_leaves: bool | None = None,
    refit_decay: float | None = None,
    search: int | None = None,
    metric: Literal["loss", "auc", "rmse"] | None = None,
    checkpoint_every: int | None = None,
    resume: bool | None = None,
    on_interrupt: Literal["abort", "save"] | None = None,
    grow: Literal["leaf", "depth"] | None = None,
    boosting: Literal["gbdt", "goss"] | None = None,
    num_trees: int | None = None,
    num_leaves: int | None = None,
    learning_rate: float | None = None,
    max_depth: int | None = None,
    max_bin: int | None = None,
    bin_construct_sample_cnt: int | None = None,
    min_data_in_leaf: int | None = None,
    min_sum_hessian_in_leaf: float | None = None,
    lambda_l1: float | None = None,
    lambda_l2: float | None = None,
    min_gain_to_split: float | None = None,
    feature_fraction: float | None = None,
    bagging_fraction: float | None = None,
    bagging_freq: int | None = None,
    top_rate: float | None = None,
    other_rate: float | None = None,
    cat_smooth: float | None = None,
    cat_l2: float | None = None,
    max_cat_threshold: int | None = None,
    max_cat_to_onehot: int | None = None,
    min_data_per_group: int | None = None,
    patience: int | None = None,
    seed: int | None = None,
    threads: int | None = None,
    force: bool | None = None,
) -> Run:
    """Trains gradient-boosted trees on a log and writes a run directory with the trees in LightGBM's text format and a table of their leaves.

    As ``embed train-gbdt``, whose page explains the options.

    Args:
        log: files (CSV, JSON lines, Parquet, libsvm, libffm) or patterns, read as one log; - is stdin
        user: user column: who acted (default: inferred)
        item: item column: what the user acted on (default: inferred)
        label: label column to predict: 0 and 1, or any number (default: inferred)
        time: time column of the event: Unix seconds or milliseconds, or ISO 8601 (UTC if no zone is given) (default: inferred)
        time_format: format of the time column, such as '%d/%m/%Y %H:%M' (UTC without %z); separate several formats, or iso, with |
        time_fields: features to derive from the time column: hour, dow (day of week), day, month
        time_zone: time zone for --time-fields, such as +02:00 (default: UTC)
        weight: weight column: weight of each row in training and metrics, at least 0
        session: session column: events with the same value belong together
        fields: full list of categorical features; by default every column without another role
        numeric: numeric columns, standardized; price:log1p and price:bins=20 transform a column
        multi: multi-valued column and its separator, such as 'genres:|'; repeatable
        multi_weights: multi-valued columns with weights, as in 'tea:0.5|milk:2'
        ignore: columns to exclude from the features
        side: side table to join on column KEY; FILE:KEY=SIDEKEY if the column has another name in the side table; repeatable
        drop: drop rows that match, such as 'InvoiceNo^=C' (= != ^= $= *=)
        where: keep only rows that match, such as 'Quantity > 0 and Country != "France"'
        drop_users_above: leave out users with more than n events, such as bots, with all their events
        drop_users_above_per_day: leave out users with more than n events on any one day (UTC), with all their events
        hash_keys: replace user and item ids with their HMAC-SHA256, keyed with the secret in this file
        hash_keys_of: columns to apply --hash-keys to; by default user, item and session
        input_format: format of the log; by default by the file extension
        delimiter: cell delimiter, such as ';', '::', '\\t' or '\\x01'; by default detected from the header line
        header: False: the log has no header line; columns are named c0, c1, ...
        columns: column names for a log without a header, such as label,i1..i13,c1..c26
        decimal: decimal separator of numbers, such as ',' (default: .)
        thousands: thousands separator of numbers, such as '.'
        encoding: text encoding of the log, such as utf-16le or gb18030 (default: utf-8)
        comment: skip lines that start with this string, such as #
        null: strings that mean a missing value; '' for none (default: NULL,\\N,N/A,NaN)
        dedupe: drop exact duplicate rows
        dedupe_by: columns that identify an event, such as event_id: keep one of the rows with the same cells in them
        dedupe_keep: with --dedupe-by: the row to keep, in the order of the log; last holds all rows in memory (default: first)
        on_bad_row: what to do with a malformed row: stop with an error, or skip and count it (default: error)
        max_cell: maximum size of a cell (default: 4 MiB)
        engine: read the log through DuckDB (duckdb:shop.duckdb; duckdb: alone is in memory) or a Spark Connect server (sc://localhost:15002, sc://HOST:443/;use_ssl=true)
        engine_sql: with --engine: file with a SELECT statement whose rows are the log; no log is named then
        engine_order: with --engine: columns that order the rows of a table or query; no two different rows may tie
        engine_slice: with a Spark server: size of the rows that one job returns, such as 64M; by default a file or table is one job
        engine_timeout: with a Spark server: how long it may be unreachable or silent before the command fails (default: 300)
        engine_hash: with a Spark server: record the SHA-256 of each file, which it reads once more for it
        max_bad: with --on-bad-row skip: maximum share of malformed rows; the command fails above it (default: 1%)
        bad_rows: with --on-bad-row skip: write the skipped rows to this file, one JSON object per line
        since: drop older events: an age such as 90d before the newest event (h, d, w), or a date
        event_weight: weight of each kind of event, such as type:view=1,cart=3,*=0; the column is not used as a feature
        half_life: half-life of a training event's weight, such as 30d (h, d, w)
        max_events_per_user: keep at most n events of each user, the latest ones unless --keep-events says otherwise
        keep_events: with --max-events-per-user: keep each user's latest events, or events spread evenly over the user's history, so that a split by time holds out the same share of them as of other events (default: latest)
        valid: validation split: a share such as 0.1 or 10%, a start date, or a file (default: none)
        test: test split: a share such as 0.1 or 10%, a start date, or a file (default: none)
        split: how to split rows into training, validation and test: by time, at random by cells, at random by row number (rows), by user, by item (newest held out), or each user's last events; by default by time if there is a time column, else at random
        split_key: with --split random: keep rows with equal values in these columns in the same split, such as user,item
        valid_like: with a share for --valid: hold out items whose average popularity matches the items in this log
        last: with --split last: number of each user's last events, or groups, to hold out (default: 1)
        group: with --split last: hold out events with the same value in this column together, such as InvoiceNo
        task: prediction task (default: by label)
        positive_from: convert labels to 0 and 1: x or more is 1
        head: fit a logistic regression on the leaf indices (GBDT+LR)
        head_split: share of training rows held out from the trees to fit the head on: the latest rows, or by hash (default: 0.3)
        head_l2: L2 penalty on the head's weights (default: 100)
        head_prior: with --head: values to shrink the head's weights towards (default: leaf-values)
        head_method: solver for the logistic regression of --head: batch or online (default: lbfgs)
        head_l1: with --head-method ftrl: L1 penalty on the head's weights (default: 0)
        cross_fit: train and average k forests, each with a head fitted on its held-out fold; replaces --head-split
        ctr: columns of high-cardinality ids to replace with the mean target of their earlier rows; user*hour adds the mean target of a combination
        ctr_pairs: also add the mean target of up to n pairs of categorical columns, chosen on the training split; auto: up to 8 that are significant alone, and those that make trees better together
        ctr_keep: also keep the columns of --ctr as categories
        ctr_prior: value for ids without rows (default: the mean target of the training rows)
        ctr_prior_weight: weight of --ctr-prior, as a number of rows (default: 1)
        ctr_permutations: with --ctr or --ctr-pairs: orders of the training rows to average mean targets over, if the log has no times (default: 4)
        entity: also write a table with a vector for each key of this column, computed from the leaves of its rows
        dim: embedding dimension for --entity (default: 16)
        dense: keep n singular vectors of the leaf matrix, used by transform --dense
        init: continue from the trees of an earlier run with the same columns
        refit: after the metrics are measured, retrain on all rows, held-out ones too, for the chosen number of trees
        refit_leaves: with --init: add no trees, and fit the leaf values of that run's trees to this log
        refit_decay: with --refit-leaves: share of the old value that a leaf keeps (default: 0.9)
        search: train n settings of the options marked (searched), and keep the best on the validation split
        metric: metric by which --search compares settings; early stopping always uses the loss (default: loss)
        checkpoint_every: save a checkpoint beside the run every n trees
        resume: resume a killed training from its checkpoint, if there is one
        on_interrupt: on Ctrl-C or SIGTERM: abort without output, or save the best number of trees so far as a run (default: abort)
        grow: tree growth order: leaf-wise (largest gain first) or level-wise (smallest depth first) (default: leaf)
        boosting: how to sample rows for each tree: all rows (or a bag of them), or by gradient (goss) (default: gbdt)
        num_trees: maximum number of trees (default: 100; with --search 1000)
        num_leaves: maximum number of leaves per tree (default: 31) (searched)
        learning_rate: learning rate: scales the leaf values of each tree (default: 0.1) (searched)
        max_depth: maximum tree depth (default: any)
        max_bin: maximum number of bins per numeric column (default: 255)
        bin_construct_sample_cnt: maximum number of rows used to choose bins; larger logs are sampled (default: 200000)
        min_data_in_leaf: minimum number of rows in a leaf (default: 20) (searched)
        min_sum_hessian_in_leaf: minimum sum of Hessians in a leaf (default: 0.001)
        lambda_l1: L1 regularization of leaf values (default: 0)
        lambda_l2: L2 regularization of leaf values (default: 0) (searched)
        min_gain_to_split: minimum gain to make a split (default: 0)
        feature_fraction: share of columns to sample for each tree (default: 1) (searched)
        bagging_fraction: share of rows to sample for each tree; needs --bagging-freq (default: 1)
        bagging_freq: resample rows every n trees (bagging); 0 uses all rows (default: 0)
        top_rate: goss: share of rows with the largest gradients to keep for each tree (default: 0.2)
        other_rate: goss: share of rows to sample from the remaining rows (default: 0.1)
        cat_smooth: smoothing added to the counts of a category when categories are sorted (default: 10)
        cat_l2: additional L2 regularization for splits on more than --max-cat-to-onehot categories (default: 10)
        max_cat_threshold: maximum number of categories on the smaller side of a split (default: 32)
        max_cat_to_onehot: use one-vs-rest splits for columns with at most this many categories (default: 4)
        min_data_per_group: minimum number of rows per group of categories (default: 100)
        patience: early stopping: number of trees without improvement of the validation loss before training stops; 0 disables it (default: 20)
        seed: random seed for sampling and splits (default: 1)
        threads: maximum number of threads; the result does not depend on it (default: number of cores)
        out: run directory to write
        force: replace an existing run

    Returns:
        the run, as it is in ``out``

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return Run(call_json(_TRAIN_GBDT, locals()))


_TRAIN_GBDT = Spec(
    command="train-gbdt",
    words=("log", ),
    repeats=("time_fields", "fields", "numeric", "multi", "multi_weights", "ignore", "side", "drop", "where", "hash_keys_of", "columns", "null", "dedupe_by", "engine_order", "split_key", "ctr"),
    commas=("time_fields", "fields", "numeric", "multi_weights", "ignore", "hash_keys_of", "columns", "null", "dedupe_by", "engine_order", "split_key", "ctr"),
    negated=("header",),
    logs=("valid", "test"),
)


def train_pca(
    log: Logs | None = None,
    *,
    out: Path,
    user: str | None = None,
    item: str | None = None,
    label: str | None = None,
    time: str | None = None,
    time_format: str | None = None,
    time_fields: str | Sequence[str] | None = None,
    time_zone: str | None = None,
    weight: str | None = None,
    session: str | None = None,
    fields: str | Sequence[str] | None = None,
    numeric: str | Sequence[str] | None = None,
    multi: str | Sequence[str] | Mapping[str, str] | None = None,
    multi_weights: str | Sequence[str] | None = None,
    ignore: str | Sequence[str] | None = None,
    side: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = None,
    where: str | Sequence[str] | None = None,
    drop_users_above: int | None = None,
    drop_users_above_per_day: int | None = None,
    hash_keys: Path | None = None,
    hash_keys_of: str | Sequence[str] | None = None,
    input_format: Literal["csv", "jsonl", "parquet", "libsvm", "libffm"] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    columns: str | Sequence[str] | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    null: str | Sequence[str] | None = None,
    dedupe: bool | None = None,
    dedupe_by: str | Sequence[str] | None = None,
    dedupe_keep: Literal["first", "last"] | None = None,
    on_bad_row: Literal["error", "skip"] | None = None,
    max_cell: int | None = None,
    engine: str | None = None,
    engine_sql: Path | None = None,
    engine_order: str | Sequence[str] | None = None,
    engine_slice: float | str | None = None,
    engine_timeout: int | None = None,
    engine_hash: bool | None = None,
    max_bad: float | str | None = None,
    bad_rows: Path | None = None,
    since: str | None = None,
    event_weight: str | None = None,
    half_life: str | None = None,
    max_events_per_user: int | None = None,
    keep_events: Literal["latest", "spread"] | None = None,
    valid: float | Log | None = None,
    test: float | Log | None = None,
    split: Literal["time", "random", "rows", "user", "items", "last"] | None = None,
    split_key: str | Sequence[str] | None = None,
    valid_like: Path | None = None,
    last: int | None = None,
    group: str | None = None,
    min_count: float | str | Sequence[str] | None = None,
    max_vocab: float | str | Sequence[str] | None = None,
    min_users: int | None = None,
    hash: str | Sequence[str] | Mapping[str, float] | None = None,
    row_order: Path | None = None,
    refit: bool | None = None,
    search: int | None = None,
    max_memory: float | str | None = None,
    resume: bool | None = None,
    positive_from: float | None = None,
    matrix: Literal["interactions", "features", "columns", "cooccurrence"] | None = None,
    values: Literal["counts", "binary", "log1p", "tfidf", "bm25"] | None = None,
    scale: bool | None = None,
    center: bool | None = None,
    whiten: bool | None = None,
    normalize: Literal["none", "degree"] | None = None,
    response: str | None = None,
    degree_power: float | None = None,
    exact: bool | None = None,
    dim: int | None = None,
    power: float | None = None,
    tolerance: float | None = None,
    shift: float | None = None,
    window: int | None = None,
    seed: int | None = None,
    threads: int | None = None,
    k: int | None = None,
    candidates: Path | None = None,
    metric: Literal["recall", "ndcg", "hit-rate", "mrr", "map", "precision"] | None = None,
    force: bool | None = None,
) -> Run:
    """Computes principal components of a log and writes a run directory with a vector for each user and item, each feature, or each column.

    As ``embed train-pca``, whose page explains the options.

    Args:
        log: files (CSV, JSON lines, Parquet, libsvm, libffm) or patterns, read as one log; - is stdin
        user: user column: who acted (default: inferred)
        item: item column: what the user acted on (default: inferred)
        label: label column to predict: 0 and 1, or any number (default: inferred)
        time: time column of the event: Unix seconds or milliseconds, or ISO 8601 (UTC if no zone is given) (default: inferred)
        time_format: format of the time column, such as '%d/%m/%Y %H:%M' (UTC without %z); separate several formats, or iso, with |
        time_fields: features to derive from the time column: hour, dow (day of week), day, month
        time_zone: time zone for --time-fields, such as +02:00 (default: UTC)
        weight: weight column: weight of each row in training and metrics, at least 0
        session: session column: events with the same value belong together
        fields: full list of categorical features; by default every column without another role
        numeric: numeric columns, standardized; price:log1p and price:bins=20 transform a column
        multi: multi-valued column and its separator, such as 'genres:|'; repeatable
        multi_weights: multi-valued columns with weights, as in 'tea:0.5|milk:2'
        ignore: columns to exclude from the features
        side: side table to join on column KEY; FILE:KEY=SIDEKEY if the column has another name in the side table; repeatable
        drop: drop rows that match, such as 'InvoiceNo^=C' (= != ^= $= *=)
        where: keep only rows that match, such as 'Quantity > 0 and Country != "France"'
        drop_users_above: leave out users with more than n events, such as bots, with all their events
        drop_users_above_per_day: leave out users with more than n events on any one day (UTC), with all their events
        hash_keys: replace user and item ids with their HMAC-SHA256, keyed with the secret in this file
        hash_keys_of: columns to apply --hash-keys to; by default user, item and session
        input_format: format of the log; by default by the file extension
        delimiter: cell delimiter, such as ';', '::', '\\t' or '\\x01'; by default detected from the header line
        header: False: the log has no header line; columns are named c0, c1, ...
        columns: column names for a log without a header, such as label,i1..i13,c1..c26
        decimal: decimal separator of numbers, such as ',' (default: .)
        thousands: thousands separator of numbers, such as '.'
        encoding: text encoding of the log, such as utf-16le or gb18030 (default: utf-8)
        comment: skip lines that start with this string, such as #
        null: strings that mean a missing value; '' for none (default: NULL,\\N,N/A,NaN)
        dedupe: drop exact duplicate rows
        dedupe_by: columns that identify an event, such as event_id: keep one of the rows with the same cells in them
        dedupe_keep: with --dedupe-by: the row to keep, in the order of the log; last holds all rows in memory (default: first)
        on_bad_row: what to do with a malformed row: stop with an error, or skip and count it (default: error)
        max_cell: maximum size of a cell (default: 4 MiB)
        engine: read the log through DuckDB (duckdb:shop.duckdb; duckdb: alone is in memory) or a Spark Connect server (sc://localhost:15002, sc://HOST:443/;use_ssl=true)
        engine_sql: with --engine: file with a SELECT statement whose rows are the log; no log is named then
        engine_order: with --engine: columns that order the rows of a table or query; no two different rows may tie
        engine_slice: with a Spark server: size of the rows that one job returns, such as 64M; by default a file or table is one job
        engine_timeout: with a Spark server: how long it may be unreachable or silent before the command fails (default: 300)
        engine_hash: with a Spark server: record the SHA-256 of each file, which it reads once more for it
        max_bad: with --on-bad-row skip: maximum share of malformed rows; the command fails above it (default: 1%)
        bad_rows: with --on-bad-row skip: write the skipped rows to this file, one JSON object per line
        since: drop older events: an age such as 90d before the newest event (h, d, w), or a date
        event_weight: weight of each kind of event, such as type:view=1,cart=3,*=0; the column is not used as a feature
        half_life: half-life of a training event's weight, such as 30d (h, d, w)
        max_events_per_user: keep at most n events of each user, the latest ones unless --keep-events says otherwise
        keep_events: with --max-events-per-user: keep each user's latest events, or events spread evenly over the user's history, so that a split by time holds out the same share of them as of other events (default: latest)
        valid: validation split: a share such as 0.1 or 10%, a start date, or a file (default: none)
        test: test split: a share such as 0.1 or 10%, a start date, or a file (default: none)
        split: how to split rows into training, validation and test: by time, at random by cells, at random by row number (rows), by user, by item (newest held out), or each user's last events; by default by time if there is a time column, else at random
        split_key: with --split random: keep rows with equal values in these columns in the same split, such as user,item
        valid_like: with a share for --valid: hold out items whose average popularity matches the items in this log
        last: with --split last: number of each user's last events, or groups, to hold out (default: 1)
        group: with --split last: hold out events with the same value in this column together, such as InvoiceNo
        min_count: keys with fewer than n events are out-of-vocabulary; item_id=5 sets it for one field; repeatable (default: 1)
        max_vocab: keep only the n most frequent keys of each field; user_id=100000 limits one field
        min_users: keys with fewer than n distinct users are out-of-vocabulary
        hash: hash the keys of a column into 2^bits rows instead of building a vocabulary; repeatable
        row_order: keep the row numbers of an earlier run; new keys are appended
        refit: after the metrics are measured, decompose again with all rows, held-out ones too
        search: train n settings of the options marked (searched), and keep the best on the validation split
        max_memory: interactions: memory limit for vectors and events, such as 4G; above it, those of users are read from disk (default: half of the memory of the machine or its container)
        resume: resume an interrupted --search
        positive_from: for a log with labels: use only rows with a label of x or more as events
        matrix: matrix to decompose: users x items, events x one-hot features, numeric columns, or co-occurrence of items in sessions (default: interactions)
        values: interactions: value of a pair with events (default: counts) (searched)
        scale: divide each column by its standard deviation
        center: subtract the mean of each column (always on for --matrix columns)
        whiten: scale vectors of users, events or rows to variance 1 in every dimension
        normalize: interactions: normalization; degree divides each value by the square roots of its row and column sums (default: the better one on the validation split, else degree; none with --scale, --center or --whiten) (searched)
        response: with --normalize degree: spectral response of the components: ideal, power=P, exp=B or plateau=P; plateau filters before decomposing (default: ideal) (searched)
        degree_power: with --normalize degree: exponent of item degree; higher values recommend more popular items (default: 0.5; plateau: 0.4) (searched)
        exact: exact decomposition of the Gram matrix in double precision, for matrices with a side of at most 1536
        dim: embedding dimension; at most the rank of the matrix (default: 64; columns: number of columns) (searched)
        power: scale items by the singular values to the power x and users to 1 - x; 0 gives orthonormal components (default: 0.5; columns: 0)
        tolerance: convergence tolerance: stop when each residual divided by its squared singular value is below x; singular values have error x squared (default: 0.01; plateau: 0.2)
        shift: cooccurrence: shift of the mutual information by log x, equivalent to x negatives (default: 1)
        window: cooccurrence: count pairs at most n events apart, ordered by time or else by row (default: whole session)
        seed: random seed for the initial vectors and splits (default: 1)
        threads: maximum number of threads; the result does not depend on it (default: number of cores)
        k: cutoff K of the ranking metrics (default: 20)
        candidates: rank the held-out items of the validation split only among the items that this file lists for each user, as evaluate --candidates does
        metric: metric at K by which --search compares settings (default: ndcg)
        out: run directory to write
        force: replace an existing run

    Returns:
        the run, as it is in ``out``

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return Run(call_json(_TRAIN_PCA, locals()))


_TRAIN_PCA = Spec(
    command="train-pca",
    words=("log", ),
    repeats=("time_fields", "fields", "numeric", "multi", "multi_weights", "ignore", "side", "drop", "where", "hash_keys_of", "columns", "null", "dedupe_by", "engine_order", "split_key", "min_count", "max_vocab", "hash"),
    commas=("time_fields", "fields", "numeric", "multi_weights", "ignore", "hash_keys_of", "columns", "null", "dedupe_by", "engine_order", "split_key"),
    negated=("header", "center"),
    logs=("valid", "test"),
)


def train_net(
    log: Logs | None = None,
    *,
    arch: Literal["fnn", "wide-deep", "deep-crossing"],
    out: Path,
    user: str | None = None,
    item: str | None = None,
    label: str | None = None,
    time: str | None = None,
    time_format: str | None = None,
    time_fields: str | Sequence[str] | None = None,
    time_zone: str | None = None,
    weight: str | None = None,
    session: str | None = None,
    fields: str | Sequence[str] | None = None,
    numeric: str | Sequence[str] | None = None,
    multi: str | Sequence[str] | Mapping[str, str] | None = None,
    multi_weights: str | Sequence[str] | None = None,
    ignore: str | Sequence[str] | None = None,
    side: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = None,
    where: str | Sequence[str] | None = None,
    drop_users_above: int | None = None,
    drop_users_above_per_day: int | None = None,
    hash_keys: Path | None = None,
    hash_keys_of: str | Sequence[str] | None = None,
    input_format: Literal["csv", "jsonl", "parquet", "libsvm", "libffm"] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    columns: str | Sequence[str] | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    null: str | Sequence[str] | None = None,
    dedupe: bool | None = None,
    dedupe_by: str | Sequence[str] | None = None,
    dedupe_keep: Literal["first", "last"] | None = None,
    on_bad_row: Literal["error", "skip"] | None = None,
    max_cell: int | None = None,
    engine: str | None = None,
    engine_sql: Path | None = None,
    engine_order: str | Sequence[str] | None = None,
    engine_slice: float | str | None = None,
    engine_timeout: int | None = None,
    engine_hash: bool | None = None,
    max_bad: float | str | None = None,
    bad_rows: Path | None = None,
    since: str | None = None,
    event_weight: str | None = None,
    half_life: str | None = None,
    max_events_per_user: int | None = None,
    keep_events: Literal["latest", "spread"] | None = None,
    valid: float | Log | None = None,
    test: float | Log | None = None,
    split: Literal["time", "random", "rows", "user", "items", "last"] | None = None,
    split_key: str | Sequence[str] | None = None,
    valid_like: Path | None = None,
    last: int | None = None,
    group: str | None = None,
    min_count: float | str | Sequence[str] | None = None,
    max_vocab: float | str | Sequence[str] | None = None,
    min_users: int | None = None,
    hash: str | Sequence[str] | Mapping[str, float] | None = None,
    oov_dropout: float | None = None,
    row_order: Path | None = None,
    positive_from: float | None = None,
    negatives: int | None = None,
    noise: Literal["uniform", "popularity"] | None = None,
    item_fields: str | Sequence[str] | None = None,
    hidden: float | str | Sequence[float] | None = None,
    activation: Literal["relu", "tanh"] | None = None,
    cross: str | Sequence[str] | None = None,
    embedding_relu: bool | None = None,
    task: Literal["binary", "regression"] | None = None,
    init: Path | None = None,
    keep_keys: bool | None = None,
    freeze_embeddings: bool | None = None,
    dim: int | None = None,
    dropout: float | None = None,
    layer_norm: bool | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    embedding_learning_rate: float | None = None,
    learning_rate_decay: float | None = None,
    average_epochs: float | None = None,
    clip_norm: float | None = None,
    l2: float | None = None,
    embedding_l2: float | None = None,
    key_l2: float | None = None,
    cross_bits: int | None = None,
    wide_learning_rate: float | None = None,
    wide_l1: float | None = None,
    wide_l2: float | None = None,
    patience: int | None = None,
    min_delta: float | None = None,
    seed: int | None = None,
    threads: int | None = None,
    refit: bool | None = None,
    checkpoint_every: int | None = None,
    search: int | None = None,
    resume: bool | None = None,
    metric: Literal["loss", "auc", "rmse"] | None = None,
    on_interrupt: Literal["abort", "save"] | None = None,
    force: bool | None = None,
) -> Run:
    """Trains a neural network on top of an embedding layer, initialized from an earlier run's table or at random, and writes a run directory with the network and its embedding table.

    As ``embed train-net``, whose page explains the options.

    Args:
        log: files (CSV, JSON lines, Parquet, libsvm, libffm) or patterns, read as one log; - is stdin
        user: user column: who acted (default: inferred)
        item: item column: what the user acted on (default: inferred)
        label: label column to predict: 0 and 1, or any number (default: inferred)
        time: time column of the event: Unix seconds or milliseconds, or ISO 8601 (UTC if no zone is given) (default: inferred)
        time_format: format of the time column, such as '%d/%m/%Y %H:%M' (UTC without %z); separate several formats, or iso, with |
        time_fields: features to derive from the time column: hour, dow (day of week), day, month
        time_zone: time zone for --time-fields, such as +02:00 (default: UTC)
        weight: weight column: weight of each row in training and metrics, at least 0
        session: session column: events with the same value belong together
        fields: full list of categorical features; by default every column without another role
        numeric: numeric columns, standardized; price:log1p and price:bins=20 transform a column
        multi: multi-valued column and its separator, such as 'genres:|'; repeatable
        multi_weights: multi-valued columns with weights, as in 'tea:0.5|milk:2'
        ignore: columns to exclude from the features
        side: side table to join on column KEY; FILE:KEY=SIDEKEY if the column has another name in the side table; repeatable
        drop: drop rows that match, such as 'InvoiceNo^=C' (= != ^= $= *=)
        where: keep only rows that match, such as 'Quantity > 0 and Country != "France"'
        drop_users_above: leave out users with more than n events, such as bots, with all their events
        drop_users_above_per_day: leave out users with more than n events on any one day (UTC), with all their events
        hash_keys: replace user and item ids with their HMAC-SHA256, keyed with the secret in this file
        hash_keys_of: columns to apply --hash-keys to; by default user, item and session
        input_format: format of the log; by default by the file extension
        delimiter: cell delimiter, such as ';', '::', '\\t' or '\\x01'; by default detected from the header line
        header: False: the log has no header line; columns are named c0, c1, ...
        columns: column names for a log without a header, such as label,i1..i13,c1..c26
        decimal: decimal separator of numbers, such as ',' (default: .)
        thousands: thousands separator of numbers, such as '.'
        encoding: text encoding of the log, such as utf-16le or gb18030 (default: utf-8)
        comment: skip lines that start with this string, such as #
        null: strings that mean a missing value; '' for none (default: NULL,\\N,N/A,NaN)
        dedupe: drop exact duplicate rows
        dedupe_by: columns that identify an event, such as event_id: keep one of the rows with the same cells in them
        dedupe_keep: with --dedupe-by: the row to keep, in the order of the log; last holds all rows in memory (default: first)
        on_bad_row: what to do with a malformed row: stop with an error, or skip and count it (default: error)
        max_cell: maximum size of a cell (default: 4 MiB)
        engine: read the log through DuckDB (duckdb:shop.duckdb; duckdb: alone is in memory) or a Spark Connect server (sc://localhost:15002, sc://HOST:443/;use_ssl=true)
        engine_sql: with --engine: file with a SELECT statement whose rows are the log; no log is named then
        engine_order: with --engine: columns that order the rows of a table or query; no two different rows may tie
        engine_slice: with a Spark server: size of the rows that one job returns, such as 64M; by default a file or table is one job
        engine_timeout: with a Spark server: how long it may be unreachable or silent before the command fails (default: 300)
        engine_hash: with a Spark server: record the SHA-256 of each file, which it reads once more for it
        max_bad: with --on-bad-row skip: maximum share of malformed rows; the command fails above it (default: 1%)
        bad_rows: with --on-bad-row skip: write the skipped rows to this file, one JSON object per line
        since: drop older events: an age such as 90d before the newest event (h, d, w), or a date
        event_weight: weight of each kind of event, such as type:view=1,cart=3,*=0; the column is not used as a feature
        half_life: half-life of a training event's weight, such as 30d (h, d, w)
        max_events_per_user: keep at most n events of each user, the latest ones unless --keep-events says otherwise
        keep_events: with --max-events-per-user: keep each user's latest events, or events spread evenly over the user's history, so that a split by time holds out the same share of them as of other events (default: latest)
        valid: validation split: a share such as 0.1 or 10%, a start date, or a file (default: none)
        test: test split: a share such as 0.1 or 10%, a start date, or a file (default: none)
        split: how to split rows into training, validation and test: by time, at random by cells, at random by row number (rows), by user, by item (newest held out), or each user's last events; by default by time if there is a time column, else at random
        split_key: with --split random: keep rows with equal values in these columns in the same split, such as user,item
        valid_like: with a share for --valid: hold out items whose average popularity matches the items in this log
        last: with --split last: number of each user's last events, or groups, to hold out (default: 1)
        group: with --split last: hold out events with the same value in this column together, such as InvoiceNo
        min_count: keys with fewer than n events are out-of-vocabulary; item_id=5 sets it for one field; repeatable (default: 1)
        max_vocab: keep only the n most frequent keys of each field; user_id=100000 limits one field
        min_users: keys with fewer than n distinct users are out-of-vocabulary
        hash: hash the keys of a column into 2^bits rows instead of building a vocabulary; repeatable
        oov_dropout: share of keys to replace with the out-of-vocabulary key in training, so that unknown keys get a trained vector (default: 0)
        row_order: keep the row numbers of an earlier run; new keys are appended
        positive_from: convert labels to 0 and 1: x or more is 1; with --negatives, only those rows are events
        negatives: for a log without labels: number of negatives to sample per event (default: none)
        noise: distribution to sample negatives from (default: uniform)
        item_fields: side columns of the item, used in its vector and in negatives; inferred by default
        arch: network architecture
        hidden: sizes of the hidden layers; for deep-crossing the inner sizes of the residual units (default: 256,128)
        activation: activation function of the hidden layers (default: relu)
        cross: wide-deep: pair of columns whose cross product is a feature of the wide part; repeatable
        embedding_relu: deep-crossing: apply ReLU to the embedding layer, as in the paper; sets negative values of a pretrained table to 0
        task: prediction task; by default binary if all labels are 0 or 1, else regression
        init: initialize the embedding layer from the table of a run, matching keys; random initializes it at random (default: random)
        keep_keys: with --init: also keep keys that are not in the training split, with the vectors of the table
        freeze_embeddings: with --init: freeze the embedding layer at the table's values
        dim: embedding dimension (default: 16; with --init the dimension of the run) (searched)
        dropout: dropout rate of the hidden layers (default: 0) (searched)
        layer_norm: layer normalization in the hidden layers, before the activation function
        epochs: maximum number of passes over the training data (default: 100 with --valid, else 20)
        batch_size: batch size: rows per gradient step (default: 256)
        learning_rate: learning rate of the dense layers (Adam) (default: 0.001) (searched)
        embedding_learning_rate: learning rate of the embedding layer (AdaGrad) (default: 0.05) (searched)
        learning_rate_decay: multiply the learning rates of the dense layers and the embedding layer by this factor after each epoch (default: 1)
        average_epochs: keep and validate a moving average of the parameters, in which parameters of this many epochs ago weigh 1/e of the latest; 0 keeps the latest (default: 2)
        clip_norm: scale the gradient of a batch's mean loss down to this norm if it is larger; 0 does not clip (default: 0)
        l2: L2 penalty on weights of the dense layers, per row (default: 0)
        embedding_l2: L2 penalty on embeddings, per row that has the key (default: 0)
        key_l2: L2 penalty on all embeddings, added to the mean loss; shrinks the embeddings of rare keys more (default: 0.005; with --init 0.001, or 0 with --keep-keys or a table without weights; 0 with --embedding-l2)
        cross_bits: wide-deep: hash the crosses of each pair of columns into 2^n weights (default: 18)
        wide_learning_rate: wide-deep: learning rate of the wide part (FTRL) (default: 0.05)
        wide_l1: wide-deep: L1 penalty on weights of the wide part; larger values give sparser weights (default: 1)
        wide_l2: wide-deep: L2 penalty on weights of the wide part (default: 1)
        patience: early stopping: number of validations without improvement before training stops; 0 disables it (default: 2)
        min_delta: smallest improvement of the stopping metric that resets --patience (default: 0)
        seed: random seed for initial vectors and weights, shuffling, dropout and sampling (default: 1)
        threads: maximum number of threads; the result does not depend on it (default: number of cores)
        refit: after the metrics are measured, retrain on all rows, held-out ones too, for the chosen number of epochs
        checkpoint_every: save a checkpoint beside the run every n epochs
        search: train n settings of the options marked (searched), and keep the best on the validation split
        resume: resume a killed training from its checkpoint, if there is one
        metric: metric for early stopping and --search (default: loss)
        on_interrupt: on Ctrl-C or SIGTERM: abort without output, or save the best epoch so far as a run (default: abort)
        out: run directory to write
        force: replace an existing run

    Returns:
        the run, as it is in ``out``

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return Run(call_json(_TRAIN_NET, locals()))


_TRAIN_NET = Spec(
    command="train-net",
    words=("log", ),
    repeats=("time_fields", "fields", "numeric", "multi", "multi_weights", "ignore", "side", "drop", "where", "hash_keys_of", "columns", "null", "dedupe_by", "engine_order", "split_key", "min_count", "max_vocab", "hash", "item_fields", "cross"),
    commas=("time_fields", "fields", "numeric", "multi_weights", "ignore", "hash_keys_of", "columns", "null", "dedupe_by", "engine_order", "split_key", "item_fields"),
    negated=("header",),
    logs=("valid", "test"),
)


def lift(
    log: Logs,
    *,
    arch: Literal["fnn", "wide-deep", "deep-crossing"],
    init: Path,
    user: str | None = None,
    item: str | None = None,
    label: str | None = None,
    time: str | None = None,
    time_format: str | None = None,
    time_fields: str | Sequence[str] | None = None,
    time_zone: str | None = None,
    weight: str | None = None,
    session: str | None = None,
    fields: str | Sequence[str] | None = None,
    numeric: str | Sequence[str] | None = None,
    multi: str | Sequence[str] | Mapping[str, str] | None = None,
    multi_weights: str | Sequence[str] | None = None,
    ignore: str | Sequence[str] | None = None,
    side: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = None,
    where: str | Sequence[str] | None = None,
    drop_users_above: int | None = None,
    drop_users_above_per_day: int | None = None,
    hash_keys: Path | None = None,
    hash_keys_of: str | Sequence[str] | None = None,
    input_format: Literal["csv", "jsonl", "parquet", "libsvm", "libffm"] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    columns: str | Sequence[str] | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    null: str | Sequence[str] | None = None,
    dedupe: bool | None = None,
    dedupe_by: str | Sequence[str] | None = None,
    dedupe_keep: Literal["first", "last"] | None = None,
    on_bad_row: Literal["error", "skip"] | None = None,
    max_cell: int | None = None,
    max_bad: float | str | None = None,
    bad_rows: Path | None = None,
    since: str | None = None,
    event_weight: str | None = None,
    half_life: str | None = None,
    max_events_per_user: int | None = None,
    keep_events: Literal["latest", "spread"] | None = None,
    valid: float | Log | None = None,
    test: float | Log | None = None,
    split: Literal["time", "random", "rows", "user", "items", "last"] | None = None,
    split_key: str | Sequence[str] | None = None,
    valid_like: Path | None = None,
    last: int | None = None,
    group: str | None = None,
    min_count: float | str | Sequence[str] | None = None,
    max_vocab: float | str | Sequence[str] | None = None,
    min_users: int | None = None,
    hash: str | Sequence[str] | Mapping[str, float] | None = None,
    oov_dropout: float | None = None,
    row_order: Path | None = None,
    positive_from: float | None = None,
    negatives: int | None = None,
    noise: Literal["uniform", "popularity"] | None = None,
    item_fields: str | Sequence[str] | None = None,
    hidden: float | str | Sequence[float] | None = None,
    activation: Literal["relu", "tanh"] | None = None,
    cross: str | Sequence[str] | None = None,
    embedding_relu: bool | None = None,
    task: Literal["binary", "regression"] | None = None,
    keep_keys: bool | None = None,
    dropout: float | None = None,
    layer_norm: bool | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate_decay: float | None = None,
    average_epochs: float | None = None,
    clip_norm: float | None = None,
    l2: float | None = None,
    embedding_l2: float | None = None,
    key_l2: float | None = None,
    cross_bits: int | None = None,
    wide_learning_rate: float | None = None,
    wide_l1: float | None = None,
    wide_l2: float | None = None,
    patience: int | None = None,
    min_delta: float | None = None,
    seed: int | None = None,
    threads: int | None = None,
    seeds: int | None = None,
    learning_rates: float | str | Sequence[float] | None = None,
    embedding_learning_rates: float | str | Sequence[float] | None = None,
    unchecked: bool | None = None,
    out: Path | None = None,
    force: bool | None = None,
) -> Any:
    """Trains the same network from four initial tables: a run's table, random values, the table with its rows shuffled within fields (control), and random rows with the same norms.

    Learning rates are chosen separately for each. Prints the epochs and seconds needed to reach the random start's best validation loss, and the final losses.

    As ``embed lift``, whose page explains the options.

    Args:
        log: files (CSV, JSON lines, Parquet, libsvm, libffm) or patterns, read as one log; - is stdin
        user: user column: who acted (default: inferred)
        item: item column: what the user acted on (default: inferred)
        label: label column to predict: 0 and 1, or any number (default: inferred)
        time: time column of the event: Unix seconds or milliseconds, or ISO 8601 (UTC if no zone is given) (default: inferred)
        time_format: format of the time column, such as '%d/%m/%Y %H:%M' (UTC without %z); separate several formats, or iso, with |
        time_fields: features to derive from the time column: hour, dow (day of week), day, month
        time_zone: time zone for --time-fields, such as +02:00 (default: UTC)
        weight: weight column: weight of each row in training and metrics, at least 0
        session: session column: events with the same value belong together
        fields: full list of categorical features; by default every column without another role
        numeric: numeric columns, standardized; price:log1p and price:bins=20 transform a column
        multi: multi-valued column and its separator, such as 'genres:|'; repeatable
        multi_weights: multi-valued columns with weights, as in 'tea:0.5|milk:2'
        ignore: columns to exclude from the features
        side: side table to join on column KEY; FILE:KEY=SIDEKEY if the column has another name in the side table; repeatable
        drop: drop rows that match, such as 'InvoiceNo^=C' (= != ^= $= *=)
        where: keep only rows that match, such as 'Quantity > 0 and Country != "France"'
        drop_users_above: leave out users with more than n events, such as bots, with all their events
        drop_users_above_per_day: leave out users with more than n events on any one day (UTC), with all their events
        hash_keys: replace user and item ids with their HMAC-SHA256, keyed with the secret in this file
        hash_keys_of: columns to apply --hash-keys to; by default user, item and session
        input_format: format of the log; by default by the file extension
        delimiter: cell delimiter, such as ';', '::', '\\t' or '\\x01'; by default detected from the header line
        header: False: the log has no header line; columns are named c0, c1, ...
        columns: column names for a log without a header, such as label,i1..i13,c1..c26
        decimal: decimal separator of numbers, such as ',' (default: .)
        thousands: thousands separator of numbers, such as '.'
        encoding: text encoding of the log, such as utf-16le or gb18030 (default: utf-8)
        comment: skip lines that start with this string, such as #
        null: strings that mean a missing value; '' for none (default: NULL,\\N,N/A,NaN)
        dedupe: drop exact duplicate rows
        dedupe_by: columns that identify an event, such as event_id: keep one of the rows with the same cells in them
        dedupe_keep: with --dedupe-by: the row to keep, in the order of the log; last holds all rows in memory (default: first)
        on_bad_row: what to do with a malformed row: stop with an error, or skip and count it (default: error)
        max_cell: maximum size of a cell (default: 4 MiB)
        max_bad: with --on-bad-row skip: maximum share of malformed rows; the command fails above it (default: 1%)
        bad_rows: with --on-bad-row skip: write the skipped rows to this file, one JSON object per line
        since: drop older events: an age such as 90d before the newest event (h, d, w), or a date
        event_weight: weight of each kind of event, such as type:view=1,cart=3,*=0; the column is not used as a feature
        half_life: half-life of a training event's weight, such as 30d (h, d, w)
        max_events_per_user: keep at most n events of each user, the latest ones unless --keep-events says otherwise
        keep_events: with --max-events-per-user: keep each user's latest events, or events spread evenly over the user's history, so that a split by time holds out the same share of them as of other events (default: latest)
        valid: validation split: a share such as 0.1 or 10%, a start date, or a file (default: none)
        test: test split: a share such as 0.1 or 10%, a start date, or a file (default: none)
        split: how to split rows into training, validation and test: by time, at random by cells, at random by row number (rows), by user, by item (newest held out), or each user's last events; by default by time if there is a time column, else at random
        split_key: with --split random: keep rows with equal values in these columns in the same split, such as user,item
        valid_like: with a share for --valid: hold out items whose average popularity matches the items in this log
        last: with --split last: number of each user's last events, or groups, to hold out (default: 1)
        group: with --split last: hold out events with the same value in this column together, such as InvoiceNo
        min_count: keys with fewer than n events are out-of-vocabulary; item_id=5 sets it for one field; repeatable (default: 1)
        max_vocab: keep only the n most frequent keys of each field; user_id=100000 limits one field
        min_users: keys with fewer than n distinct users are out-of-vocabulary
        hash: hash the keys of a column into 2^bits rows instead of building a vocabulary; repeatable
        oov_dropout: share of keys to replace with the out-of-vocabulary key in training, so that unknown keys get a trained vector (default: 0)
        row_order: keep the row numbers of an earlier run; new keys are appended
        positive_from: convert labels to 0 and 1: x or more is 1; with --negatives, only those rows are events
        negatives: for a log without labels: number of negatives to sample per event (default: none)
        noise: distribution to sample negatives from (default: uniform)
        item_fields: side columns of the item, used in its vector and in negatives; inferred by default
        arch: network architecture
        hidden: sizes of the hidden layers; for deep-crossing the inner sizes of the residual units (default: 256,128)
        activation: activation function of the hidden layers (default: relu)
        cross: wide-deep: pair of columns whose cross product is a feature of the wide part; repeatable
        embedding_relu: deep-crossing: apply ReLU to the embedding layer, as in the paper; sets negative values of a pretrained table to 0
        task: prediction task; by default binary if all labels are 0 or 1, else regression
        keep_keys: with --init: also keep keys that are not in the training split, with the vectors of the table
        dropout: dropout rate of the hidden layers (default: 0)
        layer_norm: layer normalization in the hidden layers, before the activation function
        epochs: maximum number of passes over the training data (default: 40)
        batch_size: batch size: rows per gradient step (default: 256)
        learning_rate_decay: multiply the learning rates of the dense layers and the embedding layer by this factor after each epoch (default: 1)
        average_epochs: keep and validate a moving average of the parameters, in which parameters of this many epochs ago weigh 1/e of the latest; 0 keeps the latest (default: 0)
        clip_norm: scale the gradient of a batch's mean loss down to this norm if it is larger; 0 does not clip (default: 0)
        l2: L2 penalty on weights of the dense layers, per row (default: 0)
        embedding_l2: L2 penalty on embeddings, per row that has the key (default: 0)
        key_l2: L2 penalty on all embeddings, added to the mean loss; shrinks the embeddings of rare keys more (default: as train-net has it for each initialization)
        cross_bits: wide-deep: hash the crosses of each pair of columns into 2^n weights (default: 18)
        wide_learning_rate: wide-deep: learning rate of the wide part (FTRL) (default: 0.05)
        wide_l1: wide-deep: L1 penalty on weights of the wide part; larger values give sparser weights (default: 1)
        wide_l2: wide-deep: L2 penalty on weights of the wide part (default: 1)
        patience: early stopping: number of validations without improvement before training stops; 0 disables it (default: 5)
        min_delta: smallest improvement of the stopping metric that resets --patience (default: 0)
        seed: random seed for initial vectors and weights, shuffling, dropout and sampling (default: 1)
        threads: maximum number of threads; the result does not depend on it (default: number of cores)
        init: run whose table initializes the network
        seeds: number of seeds (trainings) per initialization (default: 5)
        learning_rates: learning rates of the dense layers to try for each initialization (default: 0.001,0.003)
        embedding_learning_rates: learning rates of the embedding layer to try for each initialization (default: 0.003,0.02,0.1,0.3)
        unchecked: continue even if the table may have been trained on the held-out rows
        out: file to write the full result to, including learning curves, as JSON
        force: replace an existing file

    Returns:
        what ``--json`` prints, as Python values

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return call_json(_LIFT, locals())


_LIFT = Spec(
    command="lift",
    words=("log", ),
    repeats=("time_fields", "fields", "numeric", "multi", "multi_weights", "ignore", "side", "drop", "where", "hash_keys_of", "columns", "null", "dedupe_by", "split_key", "min_count", "max_vocab", "hash", "item_fields", "cross"),
    commas=("time_fields", "fields", "numeric", "multi_weights", "ignore", "hash_keys_of", "columns", "null", "dedupe_by", "split_key", "item_fields"),
    negated=("header",),
    logs=("valid", "test"),
)


def predict(
    run: Path | None = None,
    log: Logs | None = None,
    *,
    keep: str | Sequence[str] | None = None,
    raw_scores: bool | None = None,
    model: Path | None = None,
    threads: int | None = None,
    hash_keys: Path | None = None,
    input_format: Literal["csv", "jsonl", "parquet", "libsvm", "libffm"] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    columns: str | Sequence[str] | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    null: str | Sequence[str] | None = None,
    on_bad_row: Literal["error", "skip"] | None = None,
    max_cell: int | None = None,
    max_bad: float | str | None = None,
    bad_rows: Path | None = None,
    engine_sql: Path | None = None,
    engine_timeout: int | None = None,
    engine: str | None = None,
    engine_output: Path | None = None,
    engine_parts: int | None = None,
    format: Literal["csv", "jsonl", "parquet", "arrow"] | None = None,
    out: Path | None = None,
    force: bool | None = None,
) -> Any:
    """Writes a run's prediction for each row of a log, in the order of the log: a probability, a number, one probability per class, or a ranking model's score for a user and an item.

    The log is read with the run's options and needs no label. CSV and JSON lines are processed in blocks, so memory use does not grow with the log.

    As ``embed predict``, whose page explains the options.

    Args:
        run: run directory; omit with --model
        log: files or patterns, read as one log; - is stdin
        keep: columns of the log to write with the predictions, such as user,item; by default the row number, from 1
        raw_scores: write raw scores: log-odds, or class scores before the softmax
        model: use a LightGBM (text) or XGBoost (JSON) model file instead of a run, and write its raw scores
        threads: maximum number of threads; the result does not depend on it (default: number of cores)
        hash_keys: replace user and item ids with their HMAC-SHA256, keyed with the secret in this file
        input_format: format of the log; by default by the file extension
        delimiter: cell delimiter, such as ';', '::', '\\t' or '\\x01'; by default detected from the header line
        header: False: the log has no header line; columns are named c0, c1, ...
        columns: column names for a log without a header, such as label,i1..i13,c1..c26
        decimal: decimal separator of numbers, such as ',' (default: .)
        thousands: thousands separator of numbers, such as '.'
        encoding: text encoding of the log, such as utf-16le or gb18030 (default: utf-8)
        comment: skip lines that start with this string, such as #
        null: strings that mean a missing value; '' for none (default: NULL,\\N,N/A,NaN)
        on_bad_row: what to do with a malformed row: stop with an error, or skip and count it (default: error)
        max_cell: maximum size of a cell (default: 4 MiB)
        max_bad: with --on-bad-row skip: maximum share of malformed rows; the command fails above it (default: 1%)
        bad_rows: with --on-bad-row skip: write the skipped rows to this file, one JSON object per line
        engine_sql: with --engine: file with a SELECT statement whose rows are the log; no log is named then
        engine_timeout: with a Spark server: how long it may be unreachable or silent before the command fails (default: 300)
        engine: with --engine-output: Spark Connect server that reads the log (sc://localhost:15002, sc://HOST:443/;use_ssl=true)
        engine_output: with a Spark server: process the rows on its executors, and have Spark write them there as Parquet, below this path or URI of its side
        engine_parts: with --engine-output: number of tasks; each reads the run and does a part of the work (default: one for each core of the executors)
        format: output format; by default from the extension of -o, else csv
        out: file to write; - or no file is stdout
        force: replace an existing output

    Returns:
        a DataFrame; with ``out``, the summary of the file that was written

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return call_frame(_PREDICT, locals())


_PREDICT = Spec(
    command="predict",
    words=("run", "log", ),
    repeats=("keep", "columns", "null"),
    commas=("keep", "columns", "null"),
    negated=("header",),
    logs=(),
)


def transform(
    run: Path | None = None,
    log: Logs | None = None,
    *,
    format: Literal["csv", "jsonl", "libsvm", "npy", "parquet"] | None = None,
    model: Path | None = None,
    key: str | None = None,
    fold_in: Logs | None = None,
    stream: bool | None = None,
    field: Literal["user", "item"] | None = None,
    l2_weight: float | None = None,
    l2_vector: float | None = None,
    half_life: str | None = None,
    nearest: int | None = None,
    distance: str | Sequence[str] | None = None,
    distance_kind: Literal["great-circle", "euclidean"] | None = None,
    within: str | Sequence[str] | None = None,
    min_nearest: int | None = None,
    features: bool | None = None,
    dense: bool | float | None = None,
    threads: int | None = None,
    content: Logs | None = None,
    content_key: str | None = None,
    content_fields: str | Sequence[str] | None = None,
    content_numeric: str | Sequence[str] | None = None,
    content_multi: str | Sequence[str] | Mapping[str, str] | None = None,
    content_text: str | Sequence[str] | None = None,
    content_ignore: str | Sequence[str] | None = None,
    content_edges: Logs | None = None,
    content_hops: int | None = None,
    prior_events: float | None = None,
    append: bool | None = None,
    hash_keys: Path | None = None,
    input_format: Literal["csv", "jsonl", "parquet", "libsvm", "libffm"] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    columns: str | Sequence[str] | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    null: str | Sequence[str] | None = None,
    dedupe: bool | None = None,
    dedupe_by: str | Sequence[str] | None = None,
    dedupe_keep: Literal["first", "last"] | None = None,
    on_bad_row: Literal["error", "skip"] | None = None,
    max_cell: int | None = None,
    max_bad: float | str | None = None,
    bad_rows: Path | None = None,
    engine_sql: Path | None = None,
    engine_timeout: int | None = None,
    engine: str | None = None,
    engine_output: Path | None = None,
    engine_parts: int | None = None,
    out: Path | None = None,
    force: bool | None = None,
) -> Any:
    """Encodes new rows with a run.

    Boosted trees write leaf indices. Factorization machines write vectors of items or users, computed from their features or first events. Principal components write the coordinates of rows, new users or new items. Networks write the outputs of the last hidden layer. Session-based item vectors write vectors of users and new items, computed from their events. With any table of items, vectors of new items are computed from the nearest known items (--nearest) or from a catalogue (--content).

    As ``embed transform``, whose page explains the options.

    Args:
        run: run directory of a training; omit with --model
        log: files or patterns, read as one log; - is stdin
        format: format of the output (default: csv)
        model: instead of a run: model file of LightGBM (text) or XGBoost (JSON)
        key: column that identifies the output rows; by default the row number, from 1
        fold_in: log with events of users or items unknown to the run: writes their vectors; repeatable
        stream: with --fold-in -: read events grouped by user and write each user's vector when the next user begins
        field: write vectors of users or of items; by default of those unknown to the run, with --nearest of items
        l2_weight: with --fold-in: L2 penalty on a new key's weight; by default estimated from the known keys
        l2_vector: with --fold-in: L2 penalty on a new key's vector; by default estimated from the known keys
        half_life: with --fold-in on session-based runs: half-life of an item's weight, in time before the user's latest event, such as 7d (h, d, w)
        nearest: read the log as a table of items: a new item's vector is the mean of the n nearest known items
        distance: with --nearest: columns to compute distances from, such as lat,lon (degrees, great-circle distance) or any numbers (Euclidean)
        distance_kind: with --nearest: kind of distance, regardless of the column names
        within: with --nearest: consider only items with equal values in these columns
        min_nearest: with --nearest: skip (and count) items with fewer known neighbors than this; by default the value of --nearest
        features: write the columns that the trees split on instead of leaves, with categories as numbers
        dense: write leaves as dense vectors of length n (singular vectors); by default the length set by the training's --dense
        threads: maximum number of threads; the result does not depend on it (default: number of cores)
        content: catalogue with one row per item, known and new: computes vectors of new items from its columns; repeatable
        content_key: with --content: column of the item's key; by default the run's item column
        content_fields: with --content: categorical columns; by default all columns of no other kind
        content_numeric: with --content: numeric columns; price:log1p and price:bins=20 transform a column; by default columns with decimals
        content_multi: with --content: multi-valued columns with their separator, such as 'genres:|'
        content_text: with --content: text columns; their words, or characters of scripts without blanks, are hashed
        content_ignore: with --content: columns to ignore
        content_edges: with --content: edges between items (citations, co-purchases): content is smoothed over neighbors; repeatable
        content_hops: with --content-edges: hops that content is smoothed over (default: 0 or 1, whichever explains held-out known items better)
        prior_events: with --content: weight of the vector predicted from the catalogue, expressed as a number of events (default: 20)
        append: write a copy of the run with the new items added, to -o RUN
        hash_keys: replace user and item ids with their HMAC-SHA256, keyed with the secret in this file
        input_format: format of the log; by default by the file extension
        delimiter: cell delimiter, such as ';', '::', '\\t' or '\\x01'; by default detected from the header line
        header: False: the log has no header line; columns are named c0, c1, ...
        columns: column names for a log without a header, such as label,i1..i13,c1..c26
        decimal: decimal separator of numbers, such as ',' (default: .)
        thousands: thousands separator of numbers, such as '.'
        encoding: text encoding of the log, such as utf-16le or gb18030 (default: utf-8)
        comment: skip lines that start with this string, such as #
        null: strings that mean a missing value; '' for none (default: NULL,\\N,N/A,NaN)
        dedupe: drop exact duplicate rows
        dedupe_by: columns that identify an event, such as event_id: keep one of the rows with the same cells in them
        dedupe_keep: with --dedupe-by: the row to keep, in the order of the log; last holds all rows in memory (default: first)
        on_bad_row: what to do with a malformed row: stop with an error, or skip and count it (default: error)
        max_cell: maximum size of a cell (default: 4 MiB)
        max_bad: with --on-bad-row skip: maximum share of malformed rows; the command fails above it (default: 1%)
        bad_rows: with --on-bad-row skip: write the skipped rows to this file, one JSON object per line
        engine_sql: with --engine: file with a SELECT statement whose rows are the log; no log is named then
        engine_timeout: with a Spark server: how long it may be unreachable or silent before the command fails (default: 300)
        engine: with --engine-output: Spark Connect server that reads the log (sc://localhost:15002, sc://HOST:443/;use_ssl=true)
        engine_output: with a Spark server: process the rows on its executors, and have Spark write them there as Parquet, below this path or URI of its side
        engine_parts: with --engine-output: number of tasks; each reads the run and does a part of the work (default: one for each core of the executors)
        out: file to write, for npy a directory; - or no file is stdout
        force: replace an existing output

    Returns:
        a DataFrame; with ``out``, the summary of the file that was written

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return call_frame(_TRANSFORM, locals())


_TRANSFORM = Spec(
    command="transform",
    words=("run", "log", ),
    repeats=("fold_in", "distance", "within", "content", "content_fields", "content_numeric", "content_multi", "content_text", "content_ignore", "content_edges", "columns", "null", "dedupe_by"),
    commas=("distance", "within", "content_fields", "content_numeric", "content_text", "content_ignore", "columns", "null", "dedupe_by"),
    negated=("header",),
    logs=("fold_in", "content", "content_edges"),
)


def import_table(
    file: Path,
    *,
    format: Literal["word2vec", "word2vec-bin", "fasttext-vec", "glove", "npy", "npz", "safetensors", "faiss", "csv", "tsv"],
    out: Path,
    field: str | None = None,
    key: str | None = None,
    user: str | None = None,
    item: str | None = None,
    force: bool | None = None,
) -> Run:
    """Converts another tool's table to a run directory, which can be evaluated, compared and exported like a trained run.

    Duplicate keys, keys that are not UTF-8, non-finite numbers and rows of the wrong length are errors (exit code 65). Zero vectors are imported unchanged.

    As ``embed import``, whose page explains the options.

    Args:
        file: table to import; .gz files are decompressed, - is stdin
        format: format of the file
        field: field that all keys belong to; without it keys must be field:key, or the file needs a column `field`
        key: csv, tsv: column of the keys (default: key)
        user: field with the role user
        item: field with the role item
        out: run directory to write
        force: replace an existing run

    Returns:
        the run, as it is in ``out``

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return Run(call_json(_IMPORT_TABLE, locals()))


_IMPORT_TABLE = Spec(
    command="import",
    words=("file", ),
    repeats=(),
    commas=(),
    negated=(),
    logs=(),
)


def export_run(
    run: Path,
    *,
    format: str,
    field: str | Sequence[str] | None = None,
    table: str | None = None,
    with_weight: bool | None = None,
    strict: bool | None = None,
    compose: Literal["item", "none"] | None = None,
    mips: bool | None = None,
    top_count: int | None = None,
    keys: Path | None = None,
    normalize: Literal["l2"] | None = None,
    reserve: Literal["keras", "fuxictr", "pytorch"] | None = None,
    delta: Path | None = None,
    onnx_input: Literal["key", "row"] | None = None,
    onnx_part: Literal["network", "user", "item", "table"] | None = None,
    dtype: Literal["f32", "f16", "i8"] | None = None,
    part: Literal["valid", "test"] | None = None,
    on: Logs | None = None,
    wide: bool | None = None,
    out: Path | None = None,
    url_env: str | None = None,
    into: str | None = None,
    force: bool | None = None,
) -> Any:
    """Writes the vectors of a run in another tool's format, to a file or to stdout.

    As ``embed export``, whose page explains the options.

    Args:
        run: run directory
        format: output format; see the list of formats below
        field: export only this field; user and item refer to the columns with these roles; repeatable
        table: table to use, for a run with several tables
        with_weight: also export the model's weight (bias) of each key
        strict: fail if a key cannot be written exactly in this format
        compose: vector of an item: item adds the vectors of its side columns, none uses only the item's own row (default: item, if the run has side columns)
        mips: add a dimension that holds the bias, so that dot products of user and item rank as the model does
        top_count: export only the n most frequent keys of each field
        keys: export only the keys in this file, one per line: field:key, or the key alone with --field
        normalize: scale every vector to length 1; zero vectors stay zero
        reserve: reserve rows for padding (zeros) and unknown keys (trained, the mean or zeros, by model): 0 and 1 (keras), 0 and the last (fuxictr), 1 and 0 (pytorch)
        delta: jsonl, npy: write only rows added, changed or removed since an earlier run, by row number
        onnx_input: onnx: model input: keys (strings; unknown keys map to the out-of-vocabulary row), or row numbers; default: key
        onnx_part: onnx: part to export: the network, the user or item tower of a run that has one, or only the table; default: table with --field or --table, else network or user
        dtype: npy, npz, safetensors, arrow, parquet, faiss: element type of the vectors, i8 with one scale per row; the loss of precision is reported
        part: with --dtype: also measure the change in AUC, RMSE or Recall@20 on this held-out split
        on: with --dtype: also measure the change on this log; repeatable, several files are read as one log
        wide: parquet: one column for each dimension instead of a column of lists
        out: file or directory to write; - or no file is stdout
        url_env: redis, pgvector: write to a server instead of -o; the name of the environment variable that holds its URL
        into: redis: prefix of the keys, PREFIX:KEY; pgvector with --url-env: table or schema.table (default: embeddings)
        force: replace an existing output; rewrite rows that a server already holds

    Returns:
        the bytes that the command writes; with ``out``, the summary of the file

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return call_bytes(_EXPORT_RUN, locals())


_EXPORT_RUN = Spec(
    command="export",
    words=("run", ),
    repeats=("field", "on"),
    commas=(),
    negated=(),
    logs=("on",),
)


def index_run(
    run: Path,
    *,
    field: str,
    out: Path,
    force: bool | None = None,
    metric: Literal["cosine", "dot", "l2"] | None = None,
    table: str | None = None,
    compose: Literal["item", "none"] | None = None,
    m: int | None = None,
    ef_construction: int | None = None,
    seed: int | None = None,
    threads: int | None = None,
) -> Any:
    """Builds an HNSW index for nearest-neighbor search over a field's vectors and writes it in hnswlib's format, with ids.tsv and index.json.

    The output does not depend on the number of threads.

    As ``embed index``, whose page explains the options.

    Args:
        run: run directory
        field: field to index: item, user or a column
        out: index directory to write
        force: replace an existing index
        metric: similarity used by the index (default: the similarity that the run's model ranks by, else cosine)
        table: table to use, for a run with several tables
        compose: vector of an item: item adds the vectors of its side columns, none uses only the item's own row (default: item, if the run has side columns)
        m: maximum links per row in the graph (HNSW M); the lowest level has twice as many (default: 16)
        ef_construction: size of the candidate list during construction (HNSW efConstruction); larger is slower and more accurate (default: 200)
        seed: random seed for assigning levels (default: 1)
        threads: maximum number of threads; the result does not depend on it (default: number of cores)

    Returns:
        what ``--json`` prints, as Python values

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return call_json(_INDEX_RUN, locals())


_INDEX_RUN = Spec(
    command="index",
    words=("run", ),
    repeats=(),
    commas=(),
    negated=(),
    logs=(),
)


def neighbors(
    run: Path,
    *,
    key: str | Sequence[str] | None = None,
    keys: str | None = None,
    names: str | None = None,
    top: int | None = None,
    metric: Literal["cosine", "dot", "l2"] | None = None,
    index: Path | None = None,
    ef: int | None = None,
    table: str | None = None,
    compose: Literal["item", "none"] | None = None,
) -> Any:
    """Shows the nearest neighbors of a key within its field.

    As ``embed neighbors``, whose page explains the options.

    Args:
        run: run directory
        key: key to show neighbors of, such as item:tea-03; repeatable
        keys: file of further keys, such as items.csv:item; the column must be named like the field, or use FILE:FIELD=COLUMN
        names: show names next to keys, from a file and a column, such as items.csv:item_id:title
        top: number of neighbors to show (default: 10)
        metric: similarity to rank by; l2 is the negative Euclidean distance (default: cosine; with --index the index's metric)
        index: search this index (from embed index) instead of all rows: faster but approximate, using the index's metric
        ef: with --index: size of the search candidate list (HNSW ef); larger is slower and more accurate (default: 128)
        table: table to use, for a run with several tables
        compose: vector of an item: item adds the vectors of its side columns, none uses only the item's own row (default: item, if the run has side columns)

    Returns:
        what ``--json`` prints, as Python values

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return call_json(_NEIGHBORS, locals())


_NEIGHBORS = Spec(
    command="neighbors",
    words=("run", ),
    repeats=("key",),
    commas=(),
    negated=(),
    logs=(),
)


def recall(
    run: Path,
    *,
    for_: Literal["user", "item"] | None = None,
    k: int | None = None,
    score: Literal["model", "dot", "cosine", "context", "popularity", "item-cf", "item-knn", "rp3beta", "slim", "ease", "gf-cf", "chebycf"] | None = None,
    repeats: Literal["mask", "allow"] | None = None,
    mask: Logs | None = None,
    positive_from: float | None = None,
    items: Path | None = None,
    where: str | Sequence[str] | None = None,
    within: str | None = None,
    per: str | None = None,
    lists_per: str | None = None,
    max_categories: int | None = None,
    new_share: float | None = None,
    candidates: Path | None = None,
    users: Path | None = None,
    fold_in: Logs | None = None,
    query: str | None = None,
    query_half_life: str | None = None,
    index: Path | None = None,
    ef: int | None = None,
    compose: Literal["item", "none"] | None = None,
    table: str | None = None,
    threads: int | None = None,
    hash_keys: Path | None = None,
    input_format: Literal["csv", "jsonl", "parquet", "libsvm", "libffm"] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    columns: str | Sequence[str] | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    null: str | Sequence[str] | None = None,
    dedupe: bool | None = None,
    dedupe_by: str | Sequence[str] | None = None,
    dedupe_keep: Literal["first", "last"] | None = None,
    on_bad_row: Literal["error", "skip"] | None = None,
    max_cell: int | None = None,
    max_bad: float | str | None = None,
    bad_rows: Path | None = None,
    engine: str | None = None,
    engine_order: str | Sequence[str] | None = None,
    engine_slice: float | str | None = None,
    engine_timeout: int | None = None,
    engine_output: Path | None = None,
    engine_parts: int | None = None,
    format: Literal["csv", "jsonl", "parquet", "arrow", "redis", "postgres"] | None = None,
    out: Path | None = None,
    url_env: str | None = None,
    into: str | None = None,
    force: bool | None = None,
) -> Any:
    """Writes the highest-ranked items for every user, excluding items that the user already has, or the nearest items for every item.

    Results are exact unless --index is given. Users are processed in blocks, so memory use does not grow with their number.

    As ``embed recall``, whose page explains the options.

    Args:
        run: run directory
        for_: write a list of items for each user, or of nearest items for each item (default: user)
        k: length of each list (default: 100)
        score: how items are scored: by the model, by vectors, or by a baseline learned from the training events (default: model; with --for item cosine)
        repeats: items that a user already has: mask excludes them from the list, allow keeps them (default: mask)
        mask: log of further events whose items are excluded from their users' lists; repeatable
        positive_from: for a log with labels: a user has an item if an event has a label of x or more
        items: table of items: recommend only these items
        where: with --items: use only rows that match, such as 'stock > 0'; repeatable
        within: recommend only items that have the same value in this column of --items as the user has in --users
        per: recommend at most N items per value of this column of --items, such as category=3
        lists_per: write a list of k items for each value of this column of --items, such as category
        max_categories: with --lists-per: most values that its column may have (default: 1000)
        new_share: share of new items (from embed transform --append) that every start of a list holds at least, such as 0.1
        candidates: file of user and item pairs: rank only these items for each user
        users: table of users: write lists only for these users
        fold_in: log with events of users unknown to the run: folds them in from these events and writes their lists; repeatable
        query: query vector of a user: user (the user's row), history (mean of the user's items), last (the last item) or last:N (default: user if the table has users, else history)
        query_half_life: with --query history or last:N: half-life of an item's weight, in time before the user's latest event, such as 30d
        index: search this index (from embed index) instead of all items: faster but approximate
        ef: with --index: size of the search candidate list (HNSW ef); larger is slower and more accurate (default: 128)
        compose: vector of an item: item adds the vectors of its side columns, none uses only the item's own row (default: item, if the run has side columns)
        table: with --score dot or cosine: table to use, for a run with several tables
        threads: maximum number of threads; the result does not depend on it (default: number of cores)
        hash_keys: replace user and item ids with their HMAC-SHA256, keyed with the secret in this file
        input_format: format of the log; by default by the file extension
        delimiter: cell delimiter, such as ';', '::', '\\t' or '\\x01'; by default detected from the header line
        header: False: the log has no header line; columns are named c0, c1, ...
        columns: column names for a log without a header, such as label,i1..i13,c1..c26
        decimal: decimal separator of numbers, such as ',' (default: .)
        thousands: thousands separator of numbers, such as '.'
        encoding: text encoding of the log, such as utf-16le or gb18030 (default: utf-8)
        comment: skip lines that start with this string, such as #
        null: strings that mean a missing value; '' for none (default: NULL,\\N,N/A,NaN)
        dedupe: drop exact duplicate rows
        dedupe_by: columns that identify an event, such as event_id: keep one of the rows with the same cells in them
        dedupe_keep: with --dedupe-by: the row to keep, in the order of the log; last holds all rows in memory (default: first)
        on_bad_row: what to do with a malformed row: stop with an error, or skip and count it (default: error)
        max_cell: maximum size of a cell (default: 4 MiB)
        max_bad: with --on-bad-row skip: maximum share of malformed rows; the command fails above it (default: 1%)
        bad_rows: with --on-bad-row skip: write the skipped rows to this file, one JSON object per line
        engine: read the log through DuckDB (duckdb:shop.duckdb; duckdb: alone is in memory) or a Spark Connect server (sc://localhost:15002, sc://HOST:443/;use_ssl=true)
        engine_order: with --engine: columns that order the rows of a table or query; no two different rows may tie
        engine_slice: with a Spark server: size of the rows that one job returns, such as 64M; by default a file or table is one job
        engine_timeout: with a Spark server: how long it may be unreachable or silent before the command fails (default: 300)
        engine_output: with a Spark server: make the lists on its executors, and have Spark write them there as Parquet, below this path or URI of its side
        engine_parts: with --engine-output: number of tasks; each reads the run and does a part of the work (default: one for each core of the executors)
        format: output format; redis and postgres write to a server with --url-env, otherwise a file for redis-cli --pipe or COPY (default: from the extension of -o, else csv)
        out: file to write; - or no file is stdout
        url_env: with --format redis or postgres: write to a server; the name of the environment variable that holds its URL
        into: with --url-env: prefix of the Redis keys, or name of the Postgres table
        force: replace an existing output

    Returns:
        a DataFrame; with ``out``, the summary of the file that was written

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return call_frame(_RECALL, locals())


_RECALL = Spec(
    command="recall",
    words=("run", ),
    repeats=("mask", "where", "fold_in", "columns", "null", "dedupe_by", "engine_order"),
    commas=("columns", "null", "dedupe_by", "engine_order"),
    negated=("header",),
    logs=("mask", "fold_in"),
)


def evaluate(
    run: Path | Sequence[Path] | None = None,
    *,
    on: Logs | None = None,
    part: Literal["valid", "test"] | None = None,
    threads: int | None = None,
    curve: Path | None = None,
    bins: int | None = None,
    logq: bool | None = None,
    ranking: bool | None = None,
    k: float | str | Sequence[float] | None = None,
    mask: Logs | None = None,
    repeats: Literal["mask", "allow"] | None = None,
    fold_in_share: float | None = None,
    cold: float | str | Sequence[float] | None = None,
    candidates: Path | None = None,
    baseline: str | Sequence[str] | None = None,
    ease_l2: float | None = None,
    filter_dim: int | None = None,
    filter_weight: float | None = None,
    filter_flatness: float | None = None,
    filter_power: float | None = None,
    positive_from: float | None = None,
    score: Literal["model", "dot", "cosine", "context"] | None = None,
    query: str | None = None,
    query_half_life: str | None = None,
    table: str | None = None,
    content: Logs | None = None,
    content_key: str | None = None,
    content_fields: str | Sequence[str] | None = None,
    content_numeric: str | Sequence[str] | None = None,
    content_multi: str | Sequence[str] | Mapping[str, str] | None = None,
    content_text: str | Sequence[str] | None = None,
    content_ignore: str | Sequence[str] | None = None,
    content_edges: Logs | None = None,
    content_hops: int | None = None,
    prior_events: float | None = None,
    labels: str | None = None,
    neighbors_by: str | None = None,
    probe: str | None = None,
    probe_train: float | None = None,
    probe_repeats: int | None = None,
    probe_raw: bool | None = None,
    edges: Logs | None = None,
    source: str | None = None,
    target: str | None = None,
    directed: bool | None = None,
    known_edges: Logs | None = None,
    non_edges: Literal["uniform", "held-ends"] | None = None,
    new_nodes: Logs | None = None,
    field: str | None = None,
    index: Path | None = None,
    ef: float | str | Sequence[float] | None = None,
    hash_keys: Path | None = None,
    input_format: Literal["csv", "jsonl", "parquet", "libsvm", "libffm"] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    columns: str | Sequence[str] | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    null: str | Sequence[str] | None = None,
    dedupe: bool | None = None,
    dedupe_by: str | Sequence[str] | None = None,
    dedupe_keep: Literal["first", "last"] | None = None,
    on_bad_row: Literal["error", "skip"] | None = None,
    max_cell: int | None = None,
    max_bad: float | str | None = None,
    bad_rows: Path | None = None,
    force: bool | None = None,
    bootstrap: int | None = None,
    seed: int | None = None,
) -> Any:
    """Scores the rows of a log with a run's model, or ranks items for its users, and prints the metrics.

    Several runs and baselines are compared side by side. With --labels it evaluates tables against item labels, with --edges against held-out edges of a graph, and with --index it measures the recall of an index.

    As ``embed evaluate``, whose page explains the options.

    Args:
        run: run directories; the log is read with the options of the first
        on: log to evaluate on; repeatable, several files are read as one log
        part: instead of --on: evaluate on the split held out when the first run was trained
        threads: maximum number of threads; the result does not depend on it (default: number of cores)
        curve: write the calibration curve to this CSV file
        bins: with --curve: number of equal-count bins (default: 10)
        logq: for a run trained with --negatives: correct scores and counts for negative sampling
        ranking: rank all items for each user and report recall, ndcg, hit rate and mrr
        k: cutoffs K of ranked lists, such as 10,20,50 (default: 20), or numbers of neighbors for --neighbors-by (default: 10)
        mask: log of further events whose items are masked for their users; repeatable
        repeats: items that a user already has from training: mask removes them from the ranking, allow keeps them
        fold_in_share: evaluate on users unknown to the runs: the first share of a user's items, such as 0.8, is folded in, the rest is held out
        cold: evaluate on items not seen in training (--split items), given this many of their events, such as 0,1,3,10
        candidates: file of user and item pairs: rank held-out items only among these candidates
        baseline: baselines to compare with: popularity, item-cf, item-knn, rp3beta, slim, user-history, ease, gf-cf, chebycf, random
        ease_l2: L2 penalty of the baseline ease (default: 500)
        filter_dim: for the baselines gf-cf and chebycf: number of eigenvectors in the ideal low-pass filter, 0 for none (default: 256; chebycf: 512)
        filter_weight: for the baselines gf-cf and chebycf: weight of the ideal low-pass filter (default: 0.3; chebycf: 0.2)
        filter_flatness: for the baseline chebycf: flatness of the filter's plateau (default: 1.5)
        filter_power: for the baseline chebycf: exponent of item degree in the normalization (default: 0.4)
        positive_from: for a log with labels: count only events with a label of x or more
        score: how items are scored: by the model, by the table's vectors (dot or cosine), or by item vectors against context vectors (context)
        query: query vector of a user: user (the user's row), history (mean of the user's items), last (the last item) or last:N (default: user if the table has users, else history)
        query_half_life: with --query history or last:N: half-life of an item's weight, in time before the user's latest event, such as 30d
        table: with --labels, --score dot or cosine: table to use, for a run with several tables
        content: catalogue with one row per item, known and new: computes vectors of new items from its columns; repeatable
        content_key: with --content: column of the item's key; by default the run's item column
        content_fields: with --content: categorical columns; by default all columns of no other kind
        content_numeric: with --content: numeric columns; price:log1p and price:bins=20 transform a column; by default columns with decimals
        content_multi: with --content: multi-valued columns with their separator, such as 'genres:|'
        content_text: with --content: text columns; their words, or characters of scripts without blanks, are hashed
        content_ignore: with --content: columns to ignore
        content_edges: with --content: edges between items (citations, co-purchases): content is smoothed over neighbors; repeatable
        content_hops: with --content-edges: hops that content is smoothed over (default: 0 or 1, whichever explains held-out known items better)
        prior_events: with --content: weight of the vector predicted from the catalogue, expressed as a number of events (default: 20)
        labels: file of labels for a field's keys (multi-valued cells as a|b); FILE:FIELD=COLUMN if the key column has another name
        neighbors_by: with --labels: label column; measures how often nearest neighbors share a label
        probe: with --labels: label column; measures how well a logistic regression predicts it from the vectors
        probe_train: with --probe: share of items used to train the regression, such as 0.5 or 50% (default: 0.8)
        probe_repeats: with --probe: number of random train/test splits to average over; also prints an interval (default: 1)
        probe_raw: with --probe: use the vectors as they are, as published results do, instead of standardizing them
        edges: file of held-out edges: measures how often they score above non-edges (AUC); repeatable
        source: with --edges: column of the source node (default: source, else the first column)
        target: with --edges: column of the target node (default: target, else the second column)
        directed: with --edges: treat edges as directed: an edge and its reverse are different pairs
        known_edges: with --edges: file of training edges, excluded from the sampled non-edges; repeatable
        non_edges: with --edges: how non-edges are sampled: uniformly from all nodes, or from the endpoints of held-out edges (default: uniform)
        new_nodes: with --edges: CSV file of vectors for additional nodes, as written by transform; one file per run
        field: with --edges: field to evaluate (default: the item, or the only field)
        index: index of the run's table (from embed index): measures its recall of the --k nearest rows (default: 10)
        ef: with --index: search candidate list sizes (HNSW ef) to measure, such as 32,64 (default: 32,64,128)
        hash_keys: replace user and item ids with their HMAC-SHA256, keyed with the secret in this file
        input_format: format of the log; by default by the file extension
        delimiter: cell delimiter, such as ';', '::', '\\t' or '\\x01'; by default detected from the header line
        header: False: the log has no header line; columns are named c0, c1, ...
        columns: column names for a log without a header, such as label,i1..i13,c1..c26
        decimal: decimal separator of numbers, such as ',' (default: .)
        thousands: thousands separator of numbers, such as '.'
        encoding: text encoding of the log, such as utf-16le or gb18030 (default: utf-8)
        comment: skip lines that start with this string, such as #
        null: strings that mean a missing value; '' for none (default: NULL,\\N,N/A,NaN)
        dedupe: drop exact duplicate rows
        dedupe_by: columns that identify an event, such as event_id: keep one of the rows with the same cells in them
        dedupe_keep: with --dedupe-by: the row to keep, in the order of the log; last holds all rows in memory (default: first)
        on_bad_row: what to do with a malformed row: stop with an error, or skip and count it (default: error)
        max_cell: maximum size of a cell (default: 4 MiB)
        max_bad: with --on-bad-row skip: maximum share of malformed rows; the command fails above it (default: 1%)
        bad_rows: with --on-bad-row skip: write the skipped rows to this file, one JSON object per line
        force: replace an existing --bad-rows or --curve file
        bootstrap: number of bootstrap samples of users (or items) for confidence intervals; 0 disables them (default: 1000)
        seed: random seed for --bootstrap, the baseline random, and the items held out by --probe (default: 1)

    Returns:
        what ``--json`` prints, as Python values

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return call_json(_EVALUATE, locals())


_EVALUATE = Spec(
    command="evaluate",
    words=("run", ),
    repeats=("on", "mask", "baseline", "content", "content_fields", "content_numeric", "content_multi", "content_text", "content_ignore", "content_edges", "edges", "known_edges", "new_nodes", "columns", "null", "dedupe_by"),
    commas=("baseline", "content_fields", "content_numeric", "content_text", "content_ignore", "columns", "null", "dedupe_by"),
    negated=("header",),
    logs=("on", "mask", "content", "content_edges", "edges", "known_edges", "new_nodes"),
)


def compare_trainers(
    log: Logs,
    *,
    out: Path,
    user: str | None = None,
    item: str | None = None,
    label: str | None = None,
    time: str | None = None,
    time_format: str | None = None,
    time_fields: str | Sequence[str] | None = None,
    time_zone: str | None = None,
    weight: str | None = None,
    session: str | None = None,
    fields: str | Sequence[str] | None = None,
    numeric: str | Sequence[str] | None = None,
    multi: str | Sequence[str] | Mapping[str, str] | None = None,
    multi_weights: str | Sequence[str] | None = None,
    ignore: str | Sequence[str] | None = None,
    side: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = None,
    where: str | Sequence[str] | None = None,
    drop_users_above: int | None = None,
    drop_users_above_per_day: int | None = None,
    hash_keys: Path | None = None,
    hash_keys_of: str | Sequence[str] | None = None,
    input_format: Literal["csv", "jsonl", "parquet", "libsvm", "libffm"] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    columns: str | Sequence[str] | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    null: str | Sequence[str] | None = None,
    dedupe: bool | None = None,
    dedupe_by: str | Sequence[str] | None = None,
    dedupe_keep: Literal["first", "last"] | None = None,
    on_bad_row: Literal["error", "skip"] | None = None,
    max_cell: int | None = None,
    max_bad: float | str | None = None,
    bad_rows: Path | None = None,
    since: str | None = None,
    event_weight: str | None = None,
    half_life: str | None = None,
    max_events_per_user: int | None = None,
    keep_events: Literal["latest", "spread"] | None = None,
    valid: float | Log | None = None,
    test: float | Log | None = None,
    split: Literal["time", "random", "rows", "user", "items", "last"] | None = None,
    split_key: str | Sequence[str] | None = None,
    valid_like: Path | None = None,
    last: int | None = None,
    group: str | None = None,
    positive_from: float | None = None,
    goal: Literal["predictions", "lists"] | None = None,
    trainers: str | Sequence[str] | None = None,
    search: int | None = None,
    budget: str | None = None,
    k: int | None = None,
    repeats: Literal["mask", "allow"] | None = None,
    bootstrap: int | None = None,
    runs: Path | None = None,
    force: bool | None = None,
    seed: int | None = None,
    threads: int | None = None,
) -> Any:
    """Trains every trainer that suits the log, cheap ones first and within --budget, measures all runs on one held-out test split beside baselines, with intervals, and writes the runs and a page: which embedding is best for the log, and whether it is better than the baselines.

    As ``embed compare``, whose page explains the options.

    Args:
        log: files (CSV, JSON lines, Parquet, libsvm, libffm) or patterns, read as one log; - is stdin
        user: user column: who acted (default: inferred)
        item: item column: what the user acted on (default: inferred)
        label: label column to predict: 0 and 1, or any number (default: inferred)
        time: time column of the event: Unix seconds or milliseconds, or ISO 8601 (UTC if no zone is given) (default: inferred)
        time_format: format of the time column, such as '%d/%m/%Y %H:%M' (UTC without %z); separate several formats, or iso, with |
        time_fields: features to derive from the time column: hour, dow (day of week), day, month
        time_zone: time zone for --time-fields, such as +02:00 (default: UTC)
        weight: weight column: weight of each row in training and metrics, at least 0
        session: session column: events with the same value belong together
        fields: full list of categorical features; by default every column without another role
        numeric: numeric columns, standardized; price:log1p and price:bins=20 transform a column
        multi: multi-valued column and its separator, such as 'genres:|'; repeatable
        multi_weights: multi-valued columns with weights, as in 'tea:0.5|milk:2'
        ignore: columns to exclude from the features
        side: side table to join on column KEY; FILE:KEY=SIDEKEY if the column has another name in the side table; repeatable
        drop: drop rows that match, such as 'InvoiceNo^=C' (= != ^= $= *=)
        where: keep only rows that match, such as 'Quantity > 0 and Country != "France"'
        drop_users_above: leave out users with more than n events, such as bots, with all their events
        drop_users_above_per_day: leave out users with more than n events on any one day (UTC), with all their events
        hash_keys: replace user and item ids with their HMAC-SHA256, keyed with the secret in this file
        hash_keys_of: columns to apply --hash-keys to; by default user, item and session
        input_format: format of the log; by default by the file extension
        delimiter: cell delimiter, such as ';', '::', '\\t' or '\\x01'; by default detected from the header line
        header: False: the log has no header line; columns are named c0, c1, ...
        columns: column names for a log without a header, such as label,i1..i13,c1..c26
        decimal: decimal separator of numbers, such as ',' (default: .)
        thousands: thousands separator of numbers, such as '.'
        encoding: text encoding of the log, such as utf-16le or gb18030 (default: utf-8)
        comment: skip lines that start with this string, such as #
        null: strings that mean a missing value; '' for none (default: NULL,\\N,N/A,NaN)
        dedupe: drop exact duplicate rows
        dedupe_by: columns that identify an event, such as event_id: keep one of the rows with the same cells in them
        dedupe_keep: with --dedupe-by: the row to keep, in the order of the log; last holds all rows in memory (default: first)
        on_bad_row: what to do with a malformed row: stop with an error, or skip and count it (default: error)
        max_cell: maximum size of a cell (default: 4 MiB)
        max_bad: with --on-bad-row skip: maximum share of malformed rows; the command fails above it (default: 1%)
        bad_rows: with --on-bad-row skip: write the skipped rows to this file, one JSON object per line
        since: drop older events: an age such as 90d before the newest event (h, d, w), or a date
        event_weight: weight of each kind of event, such as type:view=1,cart=3,*=0; the column is not used as a feature
        half_life: half-life of a training event's weight, such as 30d (h, d, w)
        max_events_per_user: keep at most n events of each user, the latest ones unless --keep-events says otherwise
        keep_events: with --max-events-per-user: keep each user's latest events, or events spread evenly over the user's history, so that a split by time holds out the same share of them as of other events (default: latest)
        valid: validation split: a share such as 0.1 or 10%, a start date, or a file (default: 0.1; with --split last none)
        test: test split: a share such as 0.1 or 10%, a start date, or a file (default: 0.1; with --split last none)
        split: how to split rows into training, validation and test: by time, at random by cells, at random by row number (rows), by user, by item (newest held out), or each user's last events; by default by time if there is a time column, else at random
        split_key: with --split random: keep rows with equal values in these columns in the same split, such as user,item
        valid_like: with a share for --valid: hold out items whose average popularity matches the items in this log
        last: with --split last: number of each user's last events, or groups, to hold out (default: 1)
        group: with --split last: hold out events with the same value in this column together, such as InvoiceNo
        positive_from: turn labels into 0 and 1: x or more is 1; of lists only those rows are events
        goal: what the embedding is for: predictions of rows' labels, or lists of items for users; by default predictions if labels are 0 and 1, lists if there is no label
        trainers: commands to compare, separated by commas; by default all that suit the log
        search: try n settings of each trainer that has --search on the validation split, and train with the best
        budget: wall-clock time of the comparison, such as 90s, 10m or 2h: cheap trainers come first, and what is left out is listed (default: 10m)
        k: lists: length K of the lists (default: 20)
        repeats: lists: items that a user has from training: mask leaves them out of the ranking, allow keeps them
        bootstrap: number of bootstrap samples for the intervals (default: 1000)
        out: HTML page to write
        runs: folder for the runs that are trained (default: beside the page, report-runs for report.html)
        force: replace an existing page, and runs of the same names in the folder
        seed: random seed of trainings, splits and intervals (default: 1)
        threads: maximum number of threads; the result does not depend on it (default: number of cores)

    Returns:
        what ``--json`` prints, as Python values

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return call_json(_COMPARE_TRAINERS, locals())


_COMPARE_TRAINERS = Spec(
    command="compare",
    words=("log", ),
    repeats=("time_fields", "fields", "numeric", "multi", "multi_weights", "ignore", "side", "drop", "where", "hash_keys_of", "columns", "null", "dedupe_by", "split_key", "trainers"),
    commas=("time_fields", "fields", "numeric", "multi_weights", "ignore", "hash_keys_of", "columns", "null", "dedupe_by", "split_key", "trainers"),
    negated=("header",),
    logs=("valid", "test"),
)


def diff_runs(
    run_a: Path,
    run_b: Path,
    *,
    field: str | None = None,
    k: int | None = None,
    top: int | None = None,
    table: str | None = None,
    threads: int | None = None,
) -> Any:
    """Compares two tables on the keys that both have: vector norms, nearest neighbors, and how far rows moved after aligning the tables.

    As ``embed diff``, whose page explains the options.

    Args:
        run_a: earlier run directory
        run_b: later run directory
        field: compare only this field
        k: number of nearest neighbors to compare per key (default: 10)
        top: number of most-moved keys to show (default: 5)
        table: table to use, for a run with several tables
        threads: maximum number of threads; the result does not depend on it (default: number of cores)

    Returns:
        what ``--json`` prints, as Python values

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return call_json(_DIFF_RUNS, locals())


_DIFF_RUNS = Spec(
    command="diff",
    words=("run_a", "run_b", ),
    repeats=(),
    commas=(),
    negated=(),
    logs=(),
)


def report(
    run: Path | Sequence[Path],
    *,
    out: Path,
    force: bool | None = None,
    open: bool | None = None,
    against: Path | None = None,
    threads: int | None = None,
    field: str | None = None,
    names: str | Sequence[str] | None = None,
    labels: str | None = None,
    label_column: str | None = None,
    key: str | Sequence[str] | None = None,
    top: int | None = None,
    map: Literal["both", "pca", "umap"] | None = None,
    points: float | None = None,
    table: str | None = None,
    part: Literal["valid", "test", "none"] | None = None,
    on: Logs | None = None,
    bins: int | None = None,
    hash_keys: Path | None = None,
    input_format: Literal["csv", "jsonl", "parquet", "libsvm", "libffm"] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    columns: str | Sequence[str] | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    null: str | Sequence[str] | None = None,
    dedupe: bool | None = None,
    dedupe_by: str | Sequence[str] | None = None,
    dedupe_keep: Literal["first", "last"] | None = None,
    on_bad_row: Literal["error", "skip"] | None = None,
    max_cell: int | None = None,
) -> Any:
    """Writes a self-contained HTML page about one or several runs: metrics, learning curves, calibration, feature importances, principal components, maps of the items, neighbors, norms, drift, gates and the manifest.

    As ``embed report``, whose page explains the options.

    Args:
        run: run directories; STORE/NAME is the latest version in a store, shown with the history of earlier versions
        out: HTML page to write; - is stdout
        force: replace an existing page
        open: show the page in the default browser once it is written
        against: earlier run to measure drift against
        threads: maximum number of threads; the result does not depend on it (default: number of cores)
        field: field to draw on the map; by default the item
        names: show names beside keys, from a table of a field's keys and a column, such as items.csv:item_id:title; repeatable, once a field
        labels: file with labels of the keys on the map; FILE:FIELD=COLUMN if the key column has another name
        label_column: with --labels: column to color the map by (multi-valued cells as a|b)
        key: key to list neighbors of; repeatable; by default the most frequent keys
        top: number of neighbors to list per key (default: 8)
        map: maps to draw: the plane of the first two principal components, UMAP, or both (default: both)
        points: maximum number of keys on the map; a hash selects them if there are more (default: 2000)
        table: table to use, for a run with several tables
        part: held-out split for calibration; none skips it and reads no log (default: test, else valid)
        on: instead of --part: log to measure calibration on; repeatable, several files are read as one log
        bins: number of equal-count bins in the calibration curve (default: 10)
        hash_keys: replace user and item ids with their HMAC-SHA256, keyed with the secret in this file
        input_format: format of the log; by default by the file extension
        delimiter: cell delimiter, such as ';', '::', '\\t' or '\\x01'; by default detected from the header line
        header: False: the log has no header line; columns are named c0, c1, ...
        columns: column names for a log without a header, such as label,i1..i13,c1..c26
        decimal: decimal separator of numbers, such as ',' (default: .)
        thousands: thousands separator of numbers, such as '.'
        encoding: text encoding of the log, such as utf-16le or gb18030 (default: utf-8)
        comment: skip lines that start with this string, such as #
        null: strings that mean a missing value; '' for none (default: NULL,\\N,N/A,NaN)
        dedupe: drop exact duplicate rows
        dedupe_by: columns that identify an event, such as event_id: keep one of the rows with the same cells in them
        dedupe_keep: with --dedupe-by: the row to keep, in the order of the log; last holds all rows in memory (default: first)
        on_bad_row: what to do with a malformed row: stop with an error, or skip and count it (default: error)
        max_cell: maximum size of a cell (default: 4 MiB)

    Returns:
        what ``--json`` prints, as Python values

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return call_json(_REPORT, locals())


_REPORT = Spec(
    command="report",
    words=("run", ),
    repeats=("names", "key", "on", "columns", "null", "dedupe_by"),
    commas=("columns", "null", "dedupe_by"),
    negated=("header",),
    logs=("on",),
)


def publish(
    run: Path,
    *,
    store: Path,
    name: str,
    extra: str | Sequence[str] | None = None,
    wait: str | None = None,
    dry_run: bool | None = None,
) -> Any:
    """Publishes a run as STORE/NAME/VERSION and points STORE/NAME/latest to it.

    The switch is atomic: readers see either the old version or the new one. Versions are numbered from 000001.

    As ``embed publish``, whose page explains the options.

    Args:
        run: run directory
        store: store directory; created if it does not exist
        name: name to publish under, such as items
        extra: file or directory to publish together with the run, as PLACE=PATH, such as exports/items.txt=items.txt; repeatable
        wait: how long to wait while another command writes to the store, such as 10m (s, m, h) (default: do not wait, exit with 75)
        dry_run: check the run and report the version number it would get, without publishing

    Returns:
        what ``--json`` prints, as Python values

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return call_json(_PUBLISH, locals())


_PUBLISH = Spec(
    command="publish",
    words=("run", ),
    repeats=("extra",),
    commas=(),
    negated=(),
    logs=(),
)


def rollback(
    store_name: Path,
    *,
    to: str | None = None,
    wait: str | None = None,
    dry_run: bool | None = None,
) -> Any:
    """Points STORE/NAME/latest back to the previous version, or to a given one, after verifying its checksums.

    Later versions are kept, and the next published version gets a new number.

    As ``embed rollback``, whose page explains the options.

    Args:
        store_name: name in a store, such as store/items
        to: version to point latest to, earlier or later
        wait: how long to wait while another command writes to the store, such as 10m (s, m, h) (default: do not wait, exit with 75)
        dry_run: report the version that latest would point to without changing anything

    Returns:
        what ``--json`` prints, as Python values

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return call_json(_ROLLBACK, locals())


_ROLLBACK = Spec(
    command="rollback",
    words=("store_name", ),
    repeats=(),
    commas=(),
    negated=(),
    logs=(),
)


def list_store(
    store: Path,
    name: Path | None = None,
    *,
    quick: bool | None = None,
) -> Any:
    """Lists the versions of a store and verifies their checksums.

    The latest version is marked with *.

    As ``embed ls``, whose page explains the options.

    Args:
        store: the store
        name: only this name
        quick: check only file sizes instead of checksums, without reading tables

    Returns:
        what ``--json`` prints, as Python values

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return call_json(_LIST_STORE, locals())


_LIST_STORE = Spec(
    command="ls",
    words=("store", "name", ),
    repeats=(),
    commas=(),
    negated=(),
    logs=(),
)


def gc(
    store: Path,
    name: Path | None = None,
    *,
    keep: int | None = None,
    remove: str | None = None,
    wait: str | None = None,
    dry_run: bool | None = None,
) -> Any:
    """Removes all but the newest versions of each name, and files left behind by killed or failed writers.

    The version that latest points to is always kept.

    As ``embed gc``, whose page explains the options.

    Args:
        store: the store
        name: only this name
        keep: number of newest versions to keep (default: 8)
        remove: remove only this version of the name, damaged or not (embed ls shows which are damaged)
        wait: how long to wait while another command writes to the store, such as 10m (s, m, h) (default: do not wait, exit with 75)
        dry_run: report what would be removed without removing it

    Returns:
        what ``--json`` prints, as Python values

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return call_json(_GC, locals())


_GC = Spec(
    command="gc",
    words=("store", "name", ),
    repeats=(),
    commas=(),
    negated=(),
    logs=(),
)


def forget(
    place: Path,
    keys: Path | Sequence[Path] | None = None,
    *,
    keys_: Path | None = None,
    wait: str | None = None,
    dry_run: bool | None = None,
) -> Any:
    """Rewrites every version without the given keys: tables, models, user histories and lists.

    Models then score these keys as unknown. Logs and copies elsewhere are not changed.

    As ``embed forget``, whose page explains the options.

    Args:
        place: a store, a name in it (store/items), or a run directory
        keys: key to forget as FIELD:KEY, such as user:u019
        keys_: file with more keys to forget, one FIELD:KEY per line
        wait: how long to wait while another command writes to the store, such as 10m (s, m, h) (default: do not wait, exit with 75)
        dry_run: report what would change without changing anything

    Returns:
        what ``--json`` prints, as Python values

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return call_json(_FORGET, locals())


_FORGET = Spec(
    command="forget",
    words=("place", "keys", ),
    repeats=(),
    commas=(),
    negated=(),
    logs=(),
)


def gate(
    dataset_or_run: Path,
    *,
    bounds: Path,
    previous: Path | None = None,
    out: Path | None = None,
    force: bool | None = None,
    threads: int | None = None,
) -> Any:
    """Checks an encoded dataset (rows, positive rate, missing and unseen keys, newest event) or a run (metrics, norms, neighbors and displacement since the last version) against bounds.

    Exits with 81 if a bound fails.

    As ``embed gate``, whose page explains the options.

    Args:
        dataset_or_run: encoded dataset or run to check
        bounds: YAML file with bounds under `before:` and `after:`, or a pipeline file with bounds under `gates:`
        previous: run to compare with, usually the last published version, such as store/items/latest
        out: file to write all results to, in the format of gate.json
        force: replace an existing file
        threads: maximum number of threads; the result does not depend on it (default: number of cores)

    Returns:
        what ``--json`` prints, as Python values

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return call_json(_GATE, locals())


_GATE = Spec(
    command="gate",
    words=("dataset_or_run", ),
    repeats=(),
    commas=(),
    negated=(),
    logs=(),
)


def run_pipeline(
    pipeline_yaml: Path | None = None,
    *,
    dry_run: bool | None = None,
    force: bool | None = None,
    wait: str | None = None,
    metrics_file: Path | None = None,
) -> Any:
    """Runs the steps of a pipeline file: encode, gate, train, align, gate, export, publish.

    Steps are skipped if their inputs, options and the version of embed have not changed. A killed run resumes where it stopped.

    As ``embed run``, whose page explains the options.

    Args:
        pipeline_yaml: pipeline file; embed init LOG -o pipeline.yaml writes a first one
        dry_run: print which steps would run and why, without writing anything
        force: run every step, even if its inputs have not changed
        wait: how long to wait while another command writes to the store, such as 10m (s, m, h) (default: do not wait, exit with 75)
        metrics_file: file to write the run's metrics to, in Prometheus text format

    Returns:
        what ``--json`` prints, as Python values

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return call_json(_RUN_PIPELINE, locals())


_RUN_PIPELINE = Spec(
    command="run",
    words=("pipeline_yaml", ),
    repeats=(),
    commas=(),
    negated=(),
    logs=(),
)


def init_pipeline(
    log: Logs | None = None,
    *,
    from_: Path | None = None,
    run: str | None = None,
    like: Path | None = None,
    user: str | None = None,
    item: str | None = None,
    label: str | None = None,
    time: str | None = None,
    time_format: str | None = None,
    time_fields: str | Sequence[str] | None = None,
    time_zone: str | None = None,
    weight: str | None = None,
    session: str | None = None,
    fields: str | Sequence[str] | None = None,
    numeric: str | Sequence[str] | None = None,
    multi: str | Sequence[str] | Mapping[str, str] | None = None,
    multi_weights: str | Sequence[str] | None = None,
    ignore: str | Sequence[str] | None = None,
    side: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = None,
    where: str | Sequence[str] | None = None,
    drop_users_above: int | None = None,
    drop_users_above_per_day: int | None = None,
    hash_keys: Path | None = None,
    hash_keys_of: str | Sequence[str] | None = None,
    input_format: Literal["csv", "jsonl", "parquet", "libsvm", "libffm"] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    columns: str | Sequence[str] | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    null: str | Sequence[str] | None = None,
    dedupe: bool | None = None,
    dedupe_by: str | Sequence[str] | None = None,
    dedupe_keep: Literal["first", "last"] | None = None,
    on_bad_row: Literal["error", "skip"] | None = None,
    max_cell: int | None = None,
    max_bad: float | str | None = None,
    bad_rows: Path | None = None,
    out: Path | None = None,
    force: bool | None = None,
) -> Any:
    """Inspects a log and writes a commented pipeline file for it: column roles, one training (with --from or --like that of a run), and gates based on the log's current values.

    As ``embed init``, whose page explains the options.

    Args:
        log: files or quoted patterns, read as one log; with --from or --like, by default the log of the run
        from_: page of embed compare, or its folder of runs: write the pipeline of its best embedding, or of --run
        run: with --from: the run to train every week, by its name on the page
        like: write the pipeline that trains like this run: its command, options, columns and filters
        user: user column: who acted (default: inferred)
        item: item column: what the user acted on (default: inferred)
        label: label column to predict: 0 and 1, or any number (default: inferred)
        time: time column of the event: Unix seconds or milliseconds, or ISO 8601 (UTC if no zone is given) (default: inferred)
        time_format: format of the time column, such as '%d/%m/%Y %H:%M' (UTC without %z); separate several formats, or iso, with |
        time_fields: features to derive from the time column: hour, dow (day of week), day, month
        time_zone: time zone for --time-fields, such as +02:00 (default: UTC)
        weight: weight column: weight of each row in training and metrics, at least 0
        session: session column: events with the same value belong together
        fields: full list of categorical features; by default every column without another role
        numeric: numeric columns, standardized; price:log1p and price:bins=20 transform a column
        multi: multi-valued column and its separator, such as 'genres:|'; repeatable
        multi_weights: multi-valued columns with weights, as in 'tea:0.5|milk:2'
        ignore: columns to exclude from the features
        side: side table to join on column KEY; FILE:KEY=SIDEKEY if the column has another name in the side table; repeatable
        drop: drop rows that match, such as 'InvoiceNo^=C' (= != ^= $= *=)
        where: keep only rows that match, such as 'Quantity > 0 and Country != "France"'
        drop_users_above: leave out users with more than n events, such as bots, with all their events
        drop_users_above_per_day: leave out users with more than n events on any one day (UTC), with all their events
        hash_keys: replace user and item ids with their HMAC-SHA256, keyed with the secret in this file
        hash_keys_of: columns to apply --hash-keys to; by default user, item and session
        input_format: format of the log; by default by the file extension
        delimiter: cell delimiter, such as ';', '::', '\\t' or '\\x01'; by default detected from the header line
        header: False: the log has no header line; columns are named c0, c1, ...
        columns: column names for a log without a header, such as label,i1..i13,c1..c26
        decimal: decimal separator of numbers, such as ',' (default: .)
        thousands: thousands separator of numbers, such as '.'
        encoding: text encoding of the log, such as utf-16le or gb18030 (default: utf-8)
        comment: skip lines that start with this string, such as #
        null: strings that mean a missing value; '' for none (default: NULL,\\N,N/A,NaN)
        dedupe: drop exact duplicate rows
        dedupe_by: columns that identify an event, such as event_id: keep one of the rows with the same cells in them
        dedupe_keep: with --dedupe-by: the row to keep, in the order of the log; last holds all rows in memory (default: first)
        on_bad_row: what to do with a malformed row: stop with an error, or skip and count it (default: error)
        max_cell: maximum size of a cell (default: 4 MiB)
        max_bad: with --on-bad-row skip: maximum share of malformed rows; the command fails above it (default: 1%)
        bad_rows: with --on-bad-row skip: write the skipped rows to this file, one JSON object per line
        out: file to write; stdout by default
        force: replace an existing file

    Returns:
        what ``--json`` prints, as Python values

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return call_json(_INIT_PIPELINE, locals())


_INIT_PIPELINE = Spec(
    command="init",
    words=("log", ),
    repeats=("time_fields", "fields", "numeric", "multi", "multi_weights", "ignore", "side", "drop", "where", "hash_keys_of", "columns", "null", "dedupe_by"),
    commas=("time_fields", "fields", "numeric", "multi_weights", "ignore", "hash_keys_of", "columns", "null", "dedupe_by"),
    negated=("header",),
    logs=(),
)


def align_run(
    run: Path,
    *,
    to: Path,
    out: Path,
    force: bool | None = None,
    threads: int | None = None,
) -> Run:
    """Rotates a run's vectors to match an earlier run's, using the keys that both have, and writes the result as a new run.

    Predictions and nearest neighbors do not change.

    As ``embed align``, whose page explains the options.

    Args:
        run: later run directory
        to: earlier run to align to, such as store/items/latest
        out: the run directory to write
        force: replace an existing run
        threads: maximum number of threads; the result does not depend on it (default: number of cores)

    Returns:
        the run, as it is in ``out``

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return Run(call_json(_ALIGN_RUN, locals()))


_ALIGN_RUN = Spec(
    command="align",
    words=("run", ),
    repeats=(),
    commas=(),
    negated=(),
    logs=(),
)


def reproduce(
    run: Path,
    *,
    keep: Path | None = None,
    threads: int | None = None,
    engine: str | None = None,
    max_memory: float | str | None = None,
) -> Any:
    """Repeats the training recorded in a run's manifest, in the same folder and with the same inputs, and compares every output file byte by byte.

    The inputs are verified first. Exits with 82 if a file differs, and shows the metrics of both trainings then.

    As ``embed reproduce``, whose page explains the options.

    Args:
        run: run directory
        keep: directory for the second run; by default it is removed
        threads: maximum number of threads; the result does not depend on it (default: number of cores)
        engine: for a run whose log was read through an engine: the database or server to read it from again
        max_memory: memory limit for the rows of an encoded dataset, such as 4G; larger datasets are read from disk during training (default: half of the memory of the machine or its container)

    Returns:
        what ``--json`` prints, as Python values

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return call_json(_REPRODUCE, locals())


_REPRODUCE = Spec(
    command="reproduce",
    words=("run", ),
    repeats=(),
    commas=(),
    negated=(),
    logs=(),
)


def schedule(
    pipeline_yaml: Path,
    *,
    as_: Literal["crontab", "systemd", "kubernetes", "airflow"],
    weekly: str | None = None,
    daily: str | None = None,
    log: Path | None = None,
    name: str | None = None,
    node: Path | None = None,
    embed: Path | None = None,
    image: str | None = None,
    skip_locked: bool | None = None,
) -> Any:
    """Prints a scheduler unit that runs a pipeline file weekly or daily, with absolute paths, a log file and exit-code handling.

    Nothing is installed. embed locks the store itself, so the unit needs no lock.

    As ``embed schedule``, whose page explains the options.

    Args:
        pipeline_yaml: pipeline file to run
        as_: scheduler to print a unit for
        weekly: run weekly on this day and time, such as 'sun 03:00'
        daily: run daily at this time, such as 03:00
        log: crontab, systemd: log file to append the job's output to; by default next to the pipeline file
        name: name of the unit; by default the name of the pipeline file
        node: path to the Node executable on the machine that runs the job; by default the current one
        embed: path to bin/embed.js on the machine that runs the job; by default the current one
        image: kubernetes: container image to run
        skip_locked: airflow: skip the task if another run holds the store's lock

    Returns:
        what ``--json`` prints, as Python values

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return call_json(_SCHEDULE, locals())


_SCHEDULE = Spec(
    command="schedule",
    words=("pipeline_yaml", ),
    repeats=(),
    commas=(),
    negated=(),
    logs=(),
)


__all__ = [
    "inspect",
    "inspect_edges",
    "encode",
    "train_fm",
    "train_ranking",
    "train_two_tower",
    "train_als",
    "train_item2vec",
    "train_graph",
    "train_gbdt",
    "train_pca",
    "train_net",
    "lift",
    "predict",
    "transform",
    "import_table",
    "export_run",
    "index_run",
    "neighbors",
    "recall",
    "evaluate",
    "compare_trainers",
    "diff_runs",
    "report",
    "publish",
    "rollback",
    "list_store",
    "gc",
    "forget",
    "gate",
    "run_pipeline",
    "init_pipeline",
    "align_run",
    "reproduce",
    "schedule",
]
