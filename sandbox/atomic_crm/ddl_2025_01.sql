-- Atomic CRM of 2025-01 (era G2, to 2026-01-15), after ddl_v1_0_0.sql, as those who upgraded got it: e-mails and phones
-- become JSON at the end of the table, the old columns leave holes, sales are closed to users.

drop policy "Enable insert for authenticated users only" on public.sales;
drop policy "Enable update for authenticated users only" on public.sales;

alter table public.contacts add column email_jsonb jsonb;
update public.contacts
   set email_jsonb = jsonb_build_array(jsonb_build_object('email', email, 'type', 'Other'))
 where email is not null;

alter table public.contacts add column phone_jsonb jsonb;
update public.contacts
   set phone_jsonb = (
       select coalesce(jsonb_agg(jsonb_build_object('number', p.number, 'type', coalesce(p.type, '')) order by p.place), '[]')
         from (values (1, phone_1_number, phone_1_type), (2, phone_2_number, phone_2_type)) as p (place, number, type)
        where p.number is not null
   );

alter table public.contacts
    drop column email,
    drop column phone_1_number,
    drop column phone_1_type,
    drop column phone_2_number,
    drop column phone_2_type;
