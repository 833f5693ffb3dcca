insert into products (sku, name, price, stock) values
  ('black-cat', 'Black cat, porcelain', 13.00, 1000000),
  ('ladder', 'Ladder, leaning', 49.90, 1000000),
  ('mirror', 'Mirror, unbroken', 77.00, 1000000),
  ('salt', 'Salt, spillproof', 2.50, 1000000)
on conflict do nothing;
