"""Pictures and texts of a recorded graph: SVG, DOT, text, HTML, PNG. All read only `record.model` and are deterministic."""
