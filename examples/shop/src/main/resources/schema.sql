create table if not exists products (
  sku   varchar(20) primary key,
  name  varchar(80) not null,
  price numeric(10, 2) not null,
  stock integer not null
);

create table if not exists orders (
  id       uuid primary key,
  sku      varchar(20) not null references products (sku),
  quantity integer not null,
  amount   numeric(10, 2) not null,
  status   varchar(10) not null
);
