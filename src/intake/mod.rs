//! Reads lists of receipts from files: CSV, XLSX, JSON. Never knows who is in the roster and never stores anything.
