package dev.jinx.agent.point.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SqlTextTest {
  /** What it does, the tables, the text. */
  private static final String CORPUS =
      """
      select        ~ orders       ~ select * from orders
      select        ~ orders       ~ SELECT o.id FROM orders AS o WHERE o.id = 1 FOR UPDATE OF o SKIP LOCKED
      select        ~ a,b,c        ~ select * from a, b x, c where a.id = b.id
      select        ~ a,b,c        ~ select * from a left outer join b on a.x = b.x, c order by 1, 2
      select        ~ orders,items ~ select * from orders o join items i using (order_id)
      select        ~ shop.orders,orders ~ select * from shop.orders
      select        ~ dbo.order,order ~ select [select] from [dbo].[order] where x[1] = 2
      select        ~ shop.order details,order details ~ select * from `shop`.`order details`
      select        ~ weird "name  ~ select * from "Weird ""Name"
      select        ~ db.t,t       ~ select * from db..t
      select        ~ t            ~ select extract(year from created), trim(both 'x' from name) from t
      select        ~ t            ~ select * from t where a is distinct from b
      select        ~ t            ~ select * from t where a is not distinct from b and c = 'from x'
      select        ~ a,b          ~ select * from (select * from a) x join lateral (select * from b) y on true
      select        ~ a,b          ~ select * from (a join b on a.x = b.x)
      select        ~ t            ~ select * from generate_series(1, 3) g, t
      select        ~ a,b          ~ (select x from a) union all (select x from b) order by 1
      select        ~ a,b          ~ select (select max(x) from a), 1 from b
      select        ~              ~ select 1
      select        ~              ~ values (1, 'a'), (2, 'b')
      select        ~ t            ~ table t
      select        ~ t            ~ /*+ INDEX(t i) */ select /*+ FULL(u) */ * from t
      select        ~ t            ~ -- a comment; delete from x\\nselect * from t
      select        ~ t            ~ /* delete from x */ /* a /* nested */ one */ select * from t
      select        ~ orders       ~ select * from orders where note = 'insert into x; delete from y'
      select        ~ t            ~ select * from t where a like 'x\\%' escape '\\'
      select        ~ t,u          ~ select 'it\\'s' from t where x = 'a' and y in (select y from u)
      select        ~ t            ~ select $$ from x $$, $tag$ from y $tag$ from t where a = $1
      select        ~ t            ~ select e'it\\'s from x' from t
      select        ~ t            ~ select a #>> '{x}', b->'y' from t
      select        ~ t            ~ # a comment of MySQL's\\nselect * from t
      select        ~ t            ~ with a as (select * from t) select * from a
      select        ~ t,u          ~ with a (x, y) as (select * from t), b as not materialized (select * from u) select * from a, b
      select        ~ t            ~ with recursive a as (select 1 union all select x + 1 from a join t on true) search depth first by x set o select * from a
      select        ~ t            ~ select * from (with a as (select * from t) select * from a) q
      select        ~ #temp        ~ select * from #temp with (nolock)
      insert        ~ orders       ~ insert into orders (id, name) values (1, 'x')
      insert        ~ orders       ~ insert into orders(id) values (?) on conflict (id) do update set a = 1, b = 2
      insert        ~ orders       ~ INSERT IGNORE INTO orders VALUES (1) ON DUPLICATE KEY UPDATE a = 1, b = 2
      insert        ~ orders       ~ insert orders values (1)
      insert        ~ orders       ~ insert or replace into orders values (1)
      insert        ~ orders       ~ replace into orders values (1)
      insert        ~ orders       ~ upsert into orders values (1)
      insert        ~ a,b          ~ insert into a select * from b on duplicate key update x = 1, y = 2
      insert        ~ a,b          ~ insert into a with c as (select * from b) select * from c
      insert        ~ b,a          ~ with c as (select * from b) insert into a select * from c
      delete,select ~ t            ~ with gone as (delete from t returning *) select * from gone
      delete,insert ~ t,log        ~ with gone as (delete from t returning *) insert into log select * from gone
      update        ~ orders       ~ update orders set x = 1, y = 2 where id = 3
      update        ~ public.orders,orders ~ update only public.orders set x = 1
      update        ~ orders       ~ UPDATE "Orders" SET x = 1
      update        ~ a,b          ~ update a set x = b.x from b where a.id = b.id
      update        ~ a,b          ~ update a, b set a.x = b.x
      update        ~ a,b          ~ with c as (select * from b) update a set x = (select x from c)
      update        ~ a,b          ~ merge into a using b on (a.id = b.id) when matched then update set x = 1 when not matched then insert values (1)
      update        ~ a            ~ merge into a key (id) values (1, 2)
      update        ~ a,b          ~ merge a using (select * from b) s on a.id = s.id when matched then delete
      delete        ~ orders       ~ delete from orders where id = 1
      delete        ~ a,b          ~ delete from a using b where a.id = b.id
      delete        ~ a,b          ~ delete a from a join b on a.id = b.id
      delete        ~ orders       ~ delete orders where id = 1
      ddl           ~ t            ~ create table t (id int primary key, x int references other on delete cascade)
      ddl           ~ t            ~ CREATE TABLE IF NOT EXISTS t (id int)
      ddl           ~ t,u          ~ create table t as select * from u
      ddl           ~ a,b          ~ drop table if exists a, b cascade
      ddl           ~ t            ~ alter table t add column x int, drop column y
      ddl           ~ t            ~ truncate table t
      ddl           ~ a,b          ~ truncate a, b
      ddl           ~ t            ~ create unique index concurrently i on t (a, b)
      ddl           ~ v,t          ~ create or replace view v as select * from t
      ddl           ~ t            ~ grant select, insert on t to bob
      ddl           ~ t            ~ comment on table t is 'x'
      ddl           ~ t            ~ create trigger g after insert on t for each row begin set x = 1; set y = 2; end
      ddl           ~              ~ create function f() returns int as $$ begin delete from t; end $$ language plpgsql
      call          ~              ~ {call transfer(?, ?)}
      call          ~              ~ { ? = call balance(?) }
      call          ~              ~ call transfer(1, 2)
      call          ~              ~ exec dbo.transfer 1, 2
      other         ~ t            ~ explain select * from t
      other         ~              ~ set search_path to x
      other         ~              ~ begin
      other         ~ t            ~ lock table t in exclusive mode
      other         ~              ~ begin shop.transfer(1, 2); end;
      other         ~              ~ show tables
      insert        ~ t            ~ begin; insert into t values (1); commit;
      insert,update ~ a,b          ~ insert into a values (1); update b set x = ';' ;
      other         ~              ~
      """;

  @ParameterizedTest
  @MethodSource("corpus")
  void tells_what_a_statement_does_and_to_which_tables(String kinds, String tables, String sql) {
    SqlText text = SqlText.of(sql);

    assertThat(text.kinds()).containsExactlyInAnyOrder(kinds.split(","));
    assertThat(String.join(",", text.tables().stream().sorted().toList()))
        .isEqualTo(String.join(",", Stream.of(tables.split(",")).sorted().toList()));
  }

  static Stream<Object[]> corpus() {
    return CORPUS
        .lines()
        .map(line -> line.split(" *~ ?", 3))
        .map(part -> new Object[] {part[0], part[1], part[2].replace("\\n", "\n")});
  }

  @Test
  void normal_text_has_no_comments_no_literals_and_single_spaces() {
    assertThat(
            SqlText.of("/* x */ SELECT  a,\n 'it''s', -1.5e+3, 0xFF, .5 -- end\n FROM t1 ; ")
                .normal())
        .isEqualTo("SELECT a, ?, -?, ?, ? FROM t1");
    assertThat(
            SqlText.of("select * from t where a = $1 and b = ?2 and c = :c and d in (1,2)")
                .normal())
        .isEqualTo("select * from t where a = $1 and b = ?2 and c = :c and d in (?,?)");
    assertThat(SqlText.of("insert into \"T 1\" values (date '2020-01-01', N'x', $$y$$)").normal())
        .isEqualTo("insert into \"T 1\" values (date ?, ?, ?)");
  }

  @Test
  void a_broken_text_is_read_as_far_as_it_goes() {
    for (String sql :
        new String[] {
          "'", "select * from", "with", "with a as (", "/*", "$x$", "[", "((", "delete", "0x"
        }) {
      assertThat(SqlText.of(sql)).as(sql).isNotNull();
    }
    assertThat(SqlText.of("select * from t where a = 'open").tables()).containsExactly("t");
  }

  @Test
  void the_cache_is_bounded_and_a_known_text_costs_no_allocation() {
    for (int i = 0; i < 100_000; i++) {
      SqlText.of("select " + i + " from t" + i);
    }
    String sql = "select * from orders where id = 1";
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long seen = 0;
    for (int i = 0; i < 20_000; i++) {
      seen += SqlText.of(sql).kinds().size();
    }
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < 10_000; i++) {
      seen += SqlText.of(sql).kinds().size();
    }
    assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(10_000);
    assertThat(seen).isEqualTo(30_000);
    assertThat(SqlText.remembered()).isLessThan(3_000);
  }
}
