"""A source to rehearse with: an Atomic CRM of the head era, its data with all the dirt of real ones, and its team."""
