package dev.jinx.examples.traffic;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Customers of the shop: {@code traffic SHOP orders|catalog REQUESTS LABEL} sends the requests from
 * four threads and prints one row: how many succeeded, how long they took, and what the shop's own
 * defences did meanwhile. {@code traffic heading} prints what stands above such rows.
 */
public final class Traffic {
  private static final int CUSTOMERS = 4;
  private static final int NO_ANSWER = 0;
  private static final String ROW = "  %-8s %8s %8s %8s %8s   %-18s %s%n";
  private static final Pattern FIELD = Pattern.compile("\"(\\w+)\":(?:(\\d+)|\"(\\w+)\")");

  private final HttpClient http =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
  private final URI shop;
  private final HttpRequest request;

  private Traffic(URI shop, String what) {
    this.shop = shop;
    this.request =
        switch (what) {
          case "orders" -> post(shop.resolve("/orders"), "{\"sku\":\"salt\",\"quantity\":1}");
          case "catalog" -> get(shop.resolve("/catalog"));
          default -> throw new IllegalArgumentException("orders or catalog, not " + what);
        };
  }

  public static void main(String[] args) throws Exception {
    if (args.length == 1 && args[0].equals("heading")) {
      System.out.printf(
          ROW, "", "requests", "success", "p50", "p99", "answers", "what absorbed it");
      return;
    }
    if (args.length != 4) {
      System.err.println("usage: traffic SHOP orders|catalog REQUESTS LABEL");
      System.exit(2);
    }
    Traffic traffic = new Traffic(URI.create(args[0]), args[1]);
    Map<String, String> before = traffic.resilience(); // the driver's own first call is slow
    List<Answer> answers = traffic.send(Integer.parseInt(args[2]));
    print(args[3], answers, defences(before, traffic.resilience()));
    System.exit(0);
  }

  private record Answer(int status, Duration took) {
    boolean good() {
      return status >= 200 && status < 300;
    }
  }

  private List<Answer> send(int requests) throws Exception {
    ExecutorService customers = Executors.newFixedThreadPool(CUSTOMERS);
    List<Callable<Answer>> calls = new ArrayList<>();
    for (int i = 0; i < requests; i++) {
      calls.add(this::call);
    }
    List<Answer> answers = new ArrayList<>();
    for (Future<Answer> answer : customers.invokeAll(calls)) {
      answers.add(answer.get());
    }
    customers.shutdown();
    return answers;
  }

  private Answer call() throws InterruptedException {
    long start = System.nanoTime();
    int status;
    try {
      status = http.send(request, BodyHandlers.discarding()).statusCode();
    } catch (IOException e) {
      status = NO_ANSWER;
    }
    return new Answer(status, Duration.ofNanos(System.nanoTime() - start));
  }

  /** The shop's counters, by name. */
  private Map<String, String> resilience() throws IOException, InterruptedException {
    String json = http.send(get(shop.resolve("/resilience")), BodyHandlers.ofString()).body();
    Map<String, String> fields = new LinkedHashMap<>();
    for (Matcher field = FIELD.matcher(json); field.find(); ) {
      fields.put(field.group(1), field.group(2) != null ? field.group(2) : field.group(3));
    }
    return fields;
  }

  /** What changed, in words: {@code payment timeouts 12, breaker OPEN}. */
  private static String defences(Map<String, String> before, Map<String, String> after) {
    List<String> changes = new ArrayList<>();
    after.forEach(
        (name, value) -> {
          String then = before.getOrDefault(name, "0");
          if (!value.equals(then)) {
            boolean counter = Character.isDigit(value.charAt(0));
            changes.add(
                name.replaceAll("(?=[A-Z])", " ").toLowerCase(Locale.ROOT)
                    + " "
                    + (counter ? Long.parseLong(value) - Long.parseLong(then) : value));
          }
        });
    return String.join(", ", changes);
  }

  private static void print(String label, List<Answer> answers, String defences) {
    Map<Integer, Long> statuses =
        answers.stream()
            .collect(Collectors.groupingBy(Answer::status, TreeMap::new, Collectors.counting()));
    String kinds =
        statuses.entrySet().stream()
            .map(e -> e.getValue() + "x" + (e.getKey() == NO_ANSWER ? "none" : e.getKey()))
            .collect(Collectors.joining(" "));
    List<Duration> times = answers.stream().map(Answer::took).sorted().toList();
    long good = answers.stream().filter(Answer::good).count();
    long bad = answers.size() - good;
    System.out.printf(
        ROW,
        label,
        answers.size(),
        "%.0f %%".formatted(100.0 * good / answers.size()),
        percentile(times, 50),
        percentile(times, 99),
        kinds,
        !defences.isEmpty() ? defences : bad == 0 ? "-" : "nothing: it reached the customers");
  }

  private static String percentile(List<Duration> sorted, int percent) {
    int index = Math.max(0, (sorted.size() * percent + 99) / 100 - 1);
    return sorted.get(index).toMillis() + " ms";
  }

  private static HttpRequest get(URI uri) {
    return HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(10)).build();
  }

  private static HttpRequest post(URI uri, String json) {
    return HttpRequest.newBuilder(uri)
        .timeout(Duration.ofSeconds(10))
        .header("Content-Type", "application/json")
        .POST(BodyPublishers.ofString(json))
        .build();
  }
}
