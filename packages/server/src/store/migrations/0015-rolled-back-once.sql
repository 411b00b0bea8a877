-- When a campaign was last taken back, or one that does so began: also after the campaign that did was removed.
alter table campaigns add column rolled_back_at timestamptz;
update campaigns c set rolled_back_at = now() where exists (select from campaigns r where r.rolls_back = c.id);
