"""Plain functions that transforms are made of; nothing here knows of results or configs."""
