"""Sources to records: reading, licences, selection."""
