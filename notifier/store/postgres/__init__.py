"""The store in PostgreSQL; the only package that imports psycopg.

`connection` keeps every call within a time, `session` connects and connects again. `database` runs
operations as `notifier.store.database` does in SQLite. `schema` makes the tables, `dialect`
translates the common SQL.
"""
