"""One adapter for each witness. They ask and parse; they do not judge."""
