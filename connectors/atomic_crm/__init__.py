"""Atomic CRM on PostgreSQL (Supabase or plain) as a source: settings, catalog, capture, marker, read."""
