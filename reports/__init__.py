"""What a person reads: published numbers and tables. Reads run folders; trains nothing."""
