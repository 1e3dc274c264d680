"""MEMORY: Postgres, one module a table family."""
