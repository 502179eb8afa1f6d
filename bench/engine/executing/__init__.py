"""Who does the units of a plan: this process, others, other machines."""
