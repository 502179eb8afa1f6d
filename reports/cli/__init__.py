"""The commands that only read: tables, figures, report, comparison, audit, studies."""
