"""HTML of tables and of the report: Jinja2 templates, escaped throughout, without any request."""
