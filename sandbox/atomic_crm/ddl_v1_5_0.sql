-- v1.5.0 (era G4, 2026-02 to 2026-03-20), after ddl.sql: what the head era changed, taken back.

alter table public.companies alter column website type text;
alter table public.sales alter column email type text;
drop trigger "10_lowercase_contact_emails" on public.contacts;
drop function public.lowercase_email_jsonb();
alter trigger "20_contact_saved" on public.contacts rename to contact_saved;
drop index public.contacts_company_id_idx;
drop index public.contact_notes_contact_id_idx;
drop index public.deals_company_id_idx;
drop index public.deal_notes_deal_id_idx;
