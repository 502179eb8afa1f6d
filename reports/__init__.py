"""Tables, figures and reports from run folders and published numbers; trains nothing."""
