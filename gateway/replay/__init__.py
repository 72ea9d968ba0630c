"""Past spans of a book: rebuilt from raw frames in a process of its own, or metrics alone from the database."""
