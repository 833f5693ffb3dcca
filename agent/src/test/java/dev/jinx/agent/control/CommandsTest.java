package dev.jinx.agent.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Source;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CommandsTest {
  private final Armory armory = Armories.create();
  private final Commands commands = new Commands(armory, Armories.status());

  private Reply run(String method, String path, String body) {
    return commands.run(Source.ENDPOINT, method, path, null, body);
  }

  private static Map<?, ?> body(Reply reply) {
    // as it is read from outside
    return Tree.read(Json.write(reply.body()));
  }

  private static List<?> list(Reply reply, String name) {
    return (List<?>) Objects.requireNonNull(body(reply).get(name));
  }

  @Test
  void a_fault_is_armed_and_told_with_its_seed_ttl_and_counters() {
    Reply reply = run("POST", "/v1/faults", Armories.fault("f"));
    assertThat(reply.status()).isEqualTo(201);
    Map<?, ?> view = body(reply);
    assertThat(view.get("id")).isEqualTo("f");
    assertThat(view.get("target")).isEqualTo(Map.of("kind", "http", "host", "payments"));
    assertThat(view.get("effect")).isEqualTo(Map.of("error", "connectionReset"));
    assertThat(Tree.at(view, "selection").keySet()).isEqualTo(Set.of("seed"));
    assertThat(view.get("ttl")).isEqualTo("5m");
    assertThat(view.get("source")).isEqualTo("endpoint");
    assertThat(view.get("state")).isEqualTo("armed");
    assertThat((String) view.get("remaining")).matches("5m0s|4m\\d+s");
    assertThat(view.get("counters"))
        .isEqualTo(Map.of("matched", 0, "injected", 0, "active", 0, "skipped", Map.of()));
    assertThat(view.get("nearMisses")).isEqualTo(List.of());
  }

  @Test
  void a_fault_without_end_has_nothing_remaining_and_one_that_starts_later_is_pending() {
    Map<?, ?> view =
        body(
            run(
                "POST",
                "/v1/faults",
                """
                {"target":{"kind":"http"},"effect":{"drop":{}},"ttl":"none",
                 "selection":{"startIn":"1h","rate":0.5,"seed":7}}
                """));
    assertThat((String) view.get("id")).startsWith("fault-");
    assertThat(view.get("ttl")).isEqualTo("none");
    assertThat(view.containsKey("remaining")).isFalse();
    assertThat(view.get("state")).isEqualTo("pending");
    assertThat(view.get("selection")).isEqualTo(Map.of("startIn", "1h", "rate", 0.5, "seed", 7));
  }

  @Test
  void the_same_document_twice_is_one_fault_and_another_under_its_id_is_refused() {
    assertThat(run("POST", "/v1/faults", Armories.fault("f")).status()).isEqualTo(201);
    Armories.call(armory, "payments");
    Reply again = run("POST", "/v1/faults", Armories.fault("f"));
    assertThat(again.status()).isEqualTo(200);
    assertThat(Tree.at(body(again), "counters").get("injected")).isEqualTo(1);
    Reply other = run("POST", "/v1/faults", Armories.fault("f").replace("payments", "refunds"));
    assertThat(other.status()).isEqualTo(409);
    assertThat((String) body(other).get("detail")).contains("PUT /v1/faults/f");
  }

  @Test
  void several_are_armed_all_or_none() {
    Reply reply =
        run("POST", "/v1/faults", "[" + Armories.fault("a") + "," + Armories.fault("b") + "]");
    assertThat(reply.status()).isEqualTo(201);
    assertThat(list(reply, "faults")).hasSize(2);
    Reply broken = run("POST", "/v1/faults", "[" + Armories.fault("c") + ",{\"target\":{}}]");
    assertThat(broken.status()).isEqualTo(422);
    assertThat(body(broken).get("field")).isEqualTo("[1].target.kind");
    assertThat(list(run("GET", "/v1/faults", ""), "faults")).hasSize(2);
    assertThat(run("POST", "/v1/faults", "[]").status()).isEqualTo(200);
  }

  @Test
  void put_replaces_the_whole_set_of_its_source_and_only_that() {
    commands.run(Source.JAVA, "POST", "/v1/faults", null, Armories.fault("java"));
    run("POST", "/v1/faults", Armories.fault("old"));
    run("POST", "/v1/faults", Armories.fault("stays"));
    Armories.call(armory, "payments");
    Reply reply =
        run("PUT", "/v1/faults", "[" + Armories.fault("stays") + "," + Armories.fault("new") + "]");
    assertThat(reply.status()).isEqualTo(200);
    assertThat(armory.all().stream().map(armed -> armed.fault().id()))
        .containsExactlyInAnyOrder("java", "stays", "new");
    assertThat(Objects.requireNonNull(armory.get("stays")).injected()).isEqualTo(1);
  }

  @Test
  void a_put_with_one_bad_fault_changes_nothing() {
    run("POST", "/v1/faults", Armories.fault("old"));
    String bad = Armories.fault("bad").replace("connectionReset", "connectionLost");
    Reply reply = run("PUT", "/v1/faults", "[" + Armories.fault("new") + "," + bad + "]");
    assertThat(reply.status()).isEqualTo(422);
    assertThat(body(reply).get("field")).isEqualTo("[1].effect.error");
    assertThat(armory.all().stream().map(armed -> armed.fault().id())).containsExactly("old");
  }

  @Test
  void one_fault_is_put_read_and_deleted_by_its_id() {
    String document = "{\"target\":{\"kind\":\"http\"},\"effect\":{\"drop\":{}}}";
    assertThat(run("PUT", "/v1/faults/x", document).status()).isEqualTo(201);
    assertThat(run("PUT", "/v1/faults/x", document).status()).isEqualTo(200);
    assertThat(body(run("GET", "/v1/faults/x", "")).get("id")).isEqualTo("x");
    Reply other = run("PUT", "/v1/faults/x", Armories.fault("y"));
    assertThat(other.status()).isEqualTo(422);
    assertThat(body(other).get("field")).isEqualTo("id");
    Reply deleted = run("DELETE", "/v1/faults/x", "");
    assertThat(deleted.status()).isEqualTo(200);
    assertThat(body(deleted).get("state")).isEqualTo("cleared");
    for (String method : List.of("GET", "DELETE")) {
      assertThat(run(method, "/v1/faults/x", "").status()).isEqualTo(404);
    }
    assertThat(run("PATCH", "/v1/faults/x", "{}").status()).isEqualTo(404);
  }

  @Test
  void a_patch_changes_some_fields_and_is_checked_as_a_whole() {
    run("POST", "/v1/faults", Armories.fault("f"));
    Reply reply =
        run(
            "PATCH",
            "/v1/faults/f",
            "{\"target\":{\"host\":null,\"path\":\"/a/**\"},\"selection\":{\"first\":2}}");
    assertThat(reply.status()).isEqualTo(200);
    assertThat(body(reply).get("target")).isEqualTo(Map.of("kind", "http", "path", "/a/**"));
    assertThat(Tree.at(body(reply), "selection").get("first")).isEqualTo(2);
    Reply bad = run("PATCH", "/v1/faults/f", "{\"effect\":null}");
    assertThat(bad.status()).isEqualTo(422);
    assertThat(body(bad).get("field")).isEqualTo("effect");
    assertThat(run("PATCH", "/v1/faults/f", "{\"id\":\"g\"}").status()).isEqualTo(422);
    assertThat(run("PATCH", "/v1/faults/f", "[]").status()).isEqualTo(422);
    assertThat(body(run("GET", "/v1/faults/f", "")).get("target"))
        .isEqualTo(Map.of("kind", "http", "path", "/a/**"));
  }

  @Test
  void a_patch_leaves_a_fault_with_its_source() {
    commands.run(Source.JAVA, "POST", "/v1/faults", null, Armories.fault("f"));
    Reply reply = run("PATCH", "/v1/faults/f", "{\"ttl\":\"1m\"}");
    assertThat(body(reply).get("source")).isEqualTo("java");
  }

  @Test
  void delete_clears_all_and_says_how_many() {
    run("POST", "/v1/faults", Armories.fault("a"));
    commands.run(Source.JAVA, "POST", "/v1/faults", null, Armories.fault("b"));
    assertThat(body(run("DELETE", "/v1/faults", "")).get("cleared")).isEqualTo(2);
    assertThat(list(run("GET", "/v1/faults", ""), "faults")).isEmpty();
  }

  @Test
  void halt_clears_and_refuses_until_resume() {
    run("POST", "/v1/faults", Armories.fault("a"));
    Reply halted = run("POST", "/v1/halt", "{\"reason\":\"too hot\"}");
    assertThat(body(halted)).isEqualTo(Map.of("halted", "too hot", "cleared", 1));
    Reply refused = run("POST", "/v1/faults", Armories.fault("b"));
    assertThat(refused.status()).isEqualTo(409);
    assertThat((String) body(refused).get("detail")).contains("too hot");
    assertThat(run("PUT", "/v1/faults/b", Armories.fault("b")).status()).isEqualTo(409);
    assertThat(body(run("GET", "/v1/status", "")).get("halted")).isEqualTo("too hot");
    assertThat(run("POST", "/v1/resume", "").status()).isEqualTo(200);
    assertThat(run("POST", "/v1/faults", Armories.fault("b")).status()).isEqualTo(201);
    assertThat(run("POST", "/v1/halt", "").status()).isEqualTo(200);
    assertThat(run("POST", "/v1/halt", "{\"why\":1}").status()).isEqualTo(422);
  }

  @Test
  void injections_are_paged() {
    run("POST", "/v1/faults", Armories.fault("f"));
    for (int i = 0; i < 5; i++) {
      Armories.call(armory, "payments");
    }
    Reply all = commands.run(Source.ENDPOINT, "GET", "/v1/injections", null, "");
    assertThat(list(all, "injections")).hasSize(5);
    Reply page = commands.run(Source.ENDPOINT, "GET", "/v1/injections", "after=1&limit=2", "");
    assertThat(list(page, "injections")).extracting("seq").isEqualTo(List.of(2, 3));
    assertThat(body(page).get("last")).isEqualTo(5);
    Map<?, ?> entry = (Map<?, ?>) list(page, "injections").get(0);
    assertThat(entry.get("fault")).isEqualTo("f");
    assertThat(entry.get("n")).isEqualTo(1);
    assertThat(entry.get("operation")).isEqualTo("http exchange");
    assertThat(entry.get("call")).isEqualTo(Map.of("host", "payments"));
  }

  @ParameterizedTest
  @CsvSource({"after=-1,after", "limit=0,limit", "limit=9000,limit", "limit=x,limit", "x=1,x"})
  void wrong_parameters_are_named(String query, String field) {
    Reply reply = commands.run(Source.ENDPOINT, "GET", "/v1/injections", query, "");
    assertThat(reply.status()).isEqualTo(422);
    assertThat(body(reply).get("field")).isEqualTo(field);
  }

  @Test
  void a_fault_tells_what_it_skipped_and_what_nearly_matched() {
    run(
        "POST",
        "/v1/faults",
        Armories.fault("f").replace("\"effect\"", "\"selection\":{\"first\":1},\"effect\""));
    Armories.call(armory, "payments");
    Armories.call(armory, "payments");
    Armories.call(armory, "refunds");
    Map<?, ?> view = body(run("GET", "/v1/faults/f", ""));
    assertThat(view.get("counters"))
        .isEqualTo(Map.of("matched", 2, "injected", 1, "active", 0, "skipped", Map.of("first", 1)));
    assertThat(view.get("nearMisses"))
        .isEqualTo(
            List.of(
                Map.of(
                    "field", "host", "asked", "payments", "seen", List.of("refunds"), "count", 1)));
  }

  @Test
  void status_tells_what_runs() {
    Map<?, ?> status = body(run("GET", "/v1/status", ""));
    assertThat(status.get("version")).isEqualTo("1.2.3");
    assertThat(status.get("pid")).hasToString(Long.toString(ProcessHandle.current().pid()));
    assertThat(Tree.at(status, "jvm").get("version")).isEqualTo(System.getProperty("java.version"));
    assertThat(status.get("halted")).isNull();
    assertThat(status.get("armed")).isEqualTo(0);
    assertThat(status.get("hooks"))
        .isEqualTo(List.of(Map.of("library", "jdk", "class", "java.net.Socket")));
    assertThat(status.get("unhooked"))
        .isEqualTo(List.of(Map.of("class", "com.example.Odd", "why", "too old")));
    assertThat(Tree.at(status, "failures").get("count")).isInstanceOf(Integer.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"{", "", "[1,", "{\"id\":1,\"id\":1}"})
  void what_is_not_json_is_a_problem_of_its_own(String body) {
    Reply reply = run("POST", "/v1/faults", body);
    assertThat(reply.status()).isEqualTo(400);
    assertThat(body(reply).get("status")).isEqualTo(400);
    assertThat((String) body(reply).get("type")).isEqualTo("urn:jinx:problem:malformed-request");
  }

  @ParameterizedTest
  @CsvSource({
    "GET,/v1/nothing,404",
    "GET,/v1/faults/,404",
    "GET,/v1/faults/a/b,404",
    "PATCH,/v1/faults,405",
    "POST,/v1/faults/x,405",
    "GET,/v1/halt,405",
    "OPTIONS,/v1/faults,405"
  })
  void unknown_paths_and_methods(String method, String path, int status) {
    Reply reply = run(method, path, "{}");
    assertThat(reply.status()).isEqualTo(status);
    assertThat(reply.allow() != null).isEqualTo(status == 405);
  }

  @Test
  void a_wrong_method_is_told_the_right_ones() {
    assertThat(run("PATCH", "/v1/faults", "{}").allow()).isEqualTo("DELETE, GET, POST, PUT");
  }

  @Test
  void the_openapi_document_is_that_of_the_routes() throws Exception {
    Map<?, ?> served = body(run("GET", "/v1/openapi.json", ""));
    Map<String, Set<String>> described = new HashMap<>();
    Tree.at(served, "paths")
        .forEach(
            (path, methods) -> {
              Set<String> names = new TreeSet<>();
              ((Map<?, ?>) methods)
                  .keySet()
                  .forEach(method -> names.add(((String) method).toUpperCase(Locale.ROOT)));
              described.put((String) path, names);
            });
    Map<String, Set<String>> routes = new HashMap<>(commands.routes());
    routes.put("/", Set.of("GET"));
    routes.put("/metrics", Set.of("GET"));
    assertThat(described).isEqualTo(routes);
  }

  @Test
  void the_openapi_document_refers_to_nothing_that_it_lacks() throws Exception {
    try (InputStream in = Commands.class.getResourceAsStream("openapi.json")) {
      String text = new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
      Map<?, ?> tree = Tree.read(text);
      List<String> references = new ArrayList<>();
      references(tree, references);
      assertThat(references).isNotEmpty();
      Map<?, ?> schemas =
          (Map<?, ?>) Objects.requireNonNull(Tree.at(tree, "components").get("schemas"));
      for (String reference : references) {
        assertThat(schemas.containsKey(reference.replace("#/components/schemas/", "")))
            .as(reference)
            .isTrue();
      }
    }
  }

  private static void references(Object tree, List<String> found) {
    if (tree instanceof Map<?, ?> map) {
      map.forEach(
          (key, value) -> {
            if (key.equals("$ref")) {
              found.add((String) value);
            }
            references(value, found);
          });
    } else if (tree instanceof List<?> list) {
      list.forEach(each -> references(each, found));
    }
  }

  @Test
  void ten_thousand_faults_at_once() {
    StringBuilder all = new StringBuilder("[");
    for (int i = 0; i < 10_000; i++) {
      all.append(i == 0 ? "" : ",").append(Armories.fault("f" + i));
    }
    assertThat(run("POST", "/v1/faults", all.append("]").toString()).status()).isEqualTo(201);
    assertThat(body(run("DELETE", "/v1/faults", "")).get("cleared")).isEqualTo(10_000);
  }
}
