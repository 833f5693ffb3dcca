package dev.jinx.agent.control;

import dev.jinx.agent.document.Doc;
import dev.jinx.agent.document.InvalidDocument;
import dev.jinx.agent.fault.ArmedFault;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Fault;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.fault.Refused;
import dev.jinx.agent.fault.Source;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What can be asked of a running agent; the endpoint and the Java facade both come here. */
final class Commands {
  private static final int MAX_ENTRIES = 8192;
  private static final String FAULTS = "/v1/faults";
  private static final String FAULT = "/v1/faults/{id}";

  /** A command as it was given. */
  private record Request(Source source, String id, Map<String, String> query, String body) {}

  @FunctionalInterface
  private interface Command {
    Reply run(Request request);
  }

  private record Route(String method, String path, Command command) {}

  private final Armory armory;
  private final Status status;

  private final List<Route> routes =
      List.of(
          new Route("GET", "/v1/status", request -> status()),
          new Route("GET", FAULTS, request -> list()),
          new Route("POST", FAULTS, this::add),
          new Route("PUT", FAULTS, this::replaceAll),
          new Route("DELETE", FAULTS, request -> clear()),
          new Route("GET", FAULT, this::get),
          new Route("PUT", FAULT, this::put),
          new Route("PATCH", FAULT, this::patch),
          new Route("DELETE", FAULT, this::remove),
          new Route("POST", "/v1/halt", this::halt),
          new Route("POST", "/v1/resume", this::resume),
          new Route("GET", "/v1/injections", this::injections),
          new Route("GET", "/v1/openapi.json", request -> openApi()));

  Commands(Armory armory, Status status) {
    this.armory = armory;
    this.status = status;
  }

  /** The paths and their methods, as the OpenAPI document writes them. */
  Map<String, Set<String>> routes() {
    return routes.stream()
        .collect(
            Collectors.groupingBy(
                Route::path,
                LinkedHashMap::new,
                Collectors.mapping(
                    Route::method, Collectors.<String, Set<String>>toCollection(TreeSet::new))));
  }

  /**
   * Runs a command; every error of the caller's becomes a reply.
   *
   * @param source whose faults it adds or replaces
   * @param query as in a URL, or null
   * @param body a JSON document, or the empty text
   */
  Reply run(Source source, String method, String path, @Nullable String query, String body) {
    String template = template(path);
    for (Route route : routes) {
      if (route.path.equals(template) && route.method.equals(method)) {
        try {
          String id = template.equals(FAULT) ? path.substring(FAULTS.length() + 1) : "";
          return route.command.run(new Request(source, id, parameters(query, path), body));
        } catch (InvalidDocument e) {
          return Reply.problem(422, text(e), e.field());
        } catch (Refused e) {
          return Reply.problem(409, text(e));
        } catch (RuntimeException | LinkageError e) {
          OwnFailures.note(e);
          return Reply.problem(500, "a failure of Jinx's own: " + e);
        }
      }
    }
    Set<String> allowed = routes().get(template);
    if (allowed == null) {
      return Reply.problem(
          404, "there is no " + path + "; GET /v1/openapi.json tells what there is");
    }
    String allow = String.join(", ", allowed);
    return new Reply(
        405, Reply.problem(405, path + " knows " + allow + ", not " + method).body(), allow);
  }

  private static String template(String path) {
    return path.startsWith(FAULTS + "/")
            && path.length() > FAULTS.length() + 1
            && path.indexOf('/', FAULTS.length() + 1) < 0
        ? FAULT
        : path;
  }

  private static String text(RuntimeException e) {
    return Objects.requireNonNullElse(e.getMessage(), "");
  }

  // ---- what was given

  private static Map<String, String> parameters(@Nullable String query, String path) {
    Map<String, String> parameters = new LinkedHashMap<>();
    for (String parameter : query == null || query.isEmpty() ? new String[0] : query.split("&")) {
      int equals = parameter.indexOf('=');
      String name = equals < 0 ? parameter : parameter.substring(0, equals);
      if (!path.equals("/v1/injections") || !(name.equals("after") || name.equals("limit"))) {
        throw new InvalidDocument(name, path + " has no parameter \"" + name + "\"");
      }
      parameters.put(name, equals < 0 ? "" : parameter.substring(equals + 1));
    }
    return parameters;
  }

  private static long number(Request request, String name, long min, long max, long otherwise) {
    String text = request.query.get(name);
    if (text == null) {
      return otherwise;
    }
    try {
      long number = Long.parseLong(text);
      if (number >= min && number <= max) {
        return number;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new InvalidDocument(
        name,
        name + " must be a whole number from " + min + " to " + max + ", not \"" + text + "\"");
  }

  /** Runs with the body's tree; what is not JSON is the form's error, not the content's. */
  private static Reply withBody(Request request, OnBody command) {
    Object tree;
    try {
      tree = Json.read(request.body);
    } catch (InvalidDocument e) {
      return Reply.problem(400, text(e));
    }
    return command.run(tree);
  }

  @FunctionalInterface
  private interface OnBody {
    Reply run(@Nullable Object tree);
  }

  // ---- the commands

  private Reply status() {
    return Reply.of(200, status.view(armory));
  }

  private Reply list() {
    return Reply.of(200, Map.of("faults", FaultView.of(armory.all())));
  }

  private Reply clear() {
    return Reply.of(200, Map.of("cleared", armory.clear()));
  }

  private Reply add(Request request) {
    return withBody(
        request,
        tree -> {
          List<Fault> faults = faults(tree, request.source);
          // with what happens in between, such as an expiry, shut out
          synchronized (armory) {
            int status = armory.add(faults) ? 201 : 200;
            List<Map<String, Object>> views = views(faults);
            return Reply.of(status, tree instanceof List ? Map.of("faults", views) : views.get(0));
          }
        });
  }

  private Reply replaceAll(Request request) {
    return withBody(
        request,
        tree -> {
          List<Fault> faults = faults(tree, request.source);
          synchronized (armory) {
            armory.replaceAll(request.source, faults);
            return Reply.of(200, Map.of("faults", views(faults)));
          }
        });
  }

  /** Reads a fault, or an array of them. */
  static List<Fault> faults(@Nullable Object tree, Source source) {
    if (!(tree instanceof List<?> list)) {
      return List.of(Fault.read(tree, "", source));
    }
    List<Fault> faults = new ArrayList<>();
    for (int i = 0; i < list.size(); i++) {
      faults.add(Fault.read(list.get(i), "[" + i + "]", source));
    }
    return faults;
  }

  private List<Map<String, Object>> views(List<Fault> faults) {
    List<Map<String, Object>> views = new ArrayList<>();
    for (Fault fault : faults) {
      views.add(FaultView.of(Objects.requireNonNull(armory.get(fault.id()))));
    }
    return views;
  }

  private static Reply notFound(String id) {
    return Reply.problem(404, "no fault \"" + id + "\" is armed; it may have expired");
  }

  private Reply get(Request request) {
    ArmedFault armed = armory.get(request.id);
    return armed == null ? notFound(request.id) : Reply.of(200, FaultView.of(armed));
  }

  private Reply remove(Request request) {
    ArmedFault armed = armory.remove(request.id);
    return armed == null ? notFound(request.id) : Reply.of(200, FaultView.of(armed));
  }

  private Reply put(Request request) {
    return withBody(request, tree -> put(Fault.read(named(tree, request.id), "", request.source)));
  }

  private Reply put(Fault fault) {
    synchronized (armory) {
      int status = armory.put(fault) ? 201 : 200;
      return Reply.of(status, views(List.of(fault)).get(0));
    }
  }

  private Reply patch(Request request) {
    return withBody(
        request,
        patch -> {
          Doc.of(patch, "");
          synchronized (armory) {
            ArmedFault armed = armory.get(request.id);
            if (armed == null) {
              return notFound(request.id);
            }
            Fault fault = armed.fault();
            Object merged = MergePatch.apply(fault.document(), patch);
            return put(Fault.read(named(merged, request.id), "", fault.source()));
          }
        });
  }

  /** The document with the id that its path says. */
  private static Map<String, @Nullable Object> named(@Nullable Object tree, String id) {
    Doc doc = Doc.of(tree, "");
    if (doc.has("id") && !id.equals(doc.text("id"))) {
      throw new InvalidDocument("id", "id must be that of the path, \"" + id + "\", or left out");
    }
    Map<String, @Nullable Object> document = new LinkedHashMap<>();
    document.put("id", id);
    ((Map<?, ?>) Objects.requireNonNull(tree))
        .forEach((key, value) -> document.put((String) key, value));
    return document;
  }

  private Reply halt(Request request) {
    return withBody(
        request.body.isBlank() ? withEmptyObject(request) : request,
        tree -> {
          Doc doc = Doc.of(tree, "");
          String reason = Objects.requireNonNullElse(doc.text("reason"), "no reason given");
          doc.done();
          synchronized (armory) {
            int cleared = armory.all().size();
            armory.halt(reason);
            return Reply.of(200, Map.of("halted", reason, "cleared", cleared));
          }
        });
  }

  private Reply resume(Request request) {
    return withBody(
        request.body.isBlank() ? withEmptyObject(request) : request,
        tree -> {
          Doc.of(tree, "").done();
          armory.resume();
          Map<String, @Nullable Object> view = new LinkedHashMap<>();
          view.put("halted", null);
          return Reply.of(200, view);
        });
  }

  private static Request withEmptyObject(Request request) {
    return new Request(request.source, request.id, request.query, "{}");
  }

  private Reply injections(Request request) {
    long after = number(request, "after", 0, Long.MAX_VALUE, 0);
    int limit = (int) number(request, "limit", 1, MAX_ENTRIES, 1000);
    Map<String, Object> view = new LinkedHashMap<>();
    view.put("injections", armory.log().after(after, limit).stream().map(FaultView::of).toList());
    view.put("last", armory.log().last());
    return Reply.of(200, view);
  }

  private static Reply openApi() {
    try (InputStream in = Commands.class.getResourceAsStream("openapi.json")) {
      String text = new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
      return Reply.of(200, Json.read(text));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
