-- The views that the application reads; applied last, in every era. Views never appear in change capture.

create view public.companies_summary as
select c.*, count(distinct d.id) as nb_deals, count(distinct co.id) as nb_contacts
  from public.companies c
  left join public.deals d on d.company_id = c.id
  left join public.contacts co on co.company_id = c.id
 group by c.id;

create view public.contacts_summary as
select co.*, c.name as company_name, count(distinct t.id) as nb_tasks
  from public.contacts co
  left join public.tasks t on t.contact_id = co.id
  left join public.companies c on c.id = co.company_id
 group by co.id, c.name;

create view public.init_state as
select count(*) as is_initialized from (select from public.sales limit 1) as anybody;
