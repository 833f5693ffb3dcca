package dev.jinx.agent.cli;

import dev.jinx.agent.control.Json;
import dev.jinx.agent.control.RunDirectory;
import dev.jinx.agent.control.RunDirectory.Running;
import dev.jinx.agent.document.InvalidDocument;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.MalformedURLException;
import java.net.Proxy;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Speaks to the endpoint of one running agent. */
final class AgentClient {
  private static final int TIMEOUT = 10_000;

  private final String url;
  private final @Nullable String token;

  AgentClient(String url, @Nullable String token) {
    this.url = url.endsWith("/") ? url.substring(0, url.length() - 1) : url;
    this.token = token;
  }

  /**
   * The agent that the options name, or the only one that runs.
   *
   * @param token what the environment says, or null
   */
  static AgentClient of(Arguments arguments, RunDirectory directory, @Nullable String token)
      throws Failed {
    String given = arguments.option("--token");
    String url = arguments.option("--url");
    return new AgentClient(
        url != null ? url : url(arguments.option("--pid"), directory),
        given != null ? given : token);
  }

  private static String url(@Nullable String pid, RunDirectory directory) throws Failed {
    List<Running> running;
    try {
      running = directory.list();
    } catch (IOException e) {
      throw new Failed(Failed.NO_AGENT, "cannot look for agents: " + e.getMessage());
    }
    List<Running> fitting =
        running.stream()
            .filter(agent -> pid == null || pid.equals(Long.toString(agent.pid())))
            .toList();
    if (fitting.isEmpty()) {
      throw new Failed(
          Failed.NO_AGENT,
          pid == null
              ? "no JVM of this user runs with Jinx; start one with -javaagent:jinx-agent.jar,"
                  + " attach to one (attach PID), or name an endpoint (--url)"
              : "process " + pid + " of this user does not run with Jinx; attach " + pid);
    }
    if (fitting.size() > 1) {
      throw new Failed(
          Failed.USAGE,
          "several JVMs run with Jinx; choose one with --pid: "
              + fitting.stream()
                  .map(agent -> agent.pid() + " (" + agent.command() + ")")
                  .collect(Collectors.joining(", ")));
    }
    String url = fitting.get(0).url();
    if (url == null) {
      throw new Failed(
          Failed.NO_AGENT, "the agent in process " + fitting.get(0).pid() + " has no endpoint");
    }
    return url;
  }

  /** The body of the answer, or what the agent says against it. */
  Map<?, ?> call(String method, String path, @Nullable String body) throws Failed {
    try {
      HttpURLConnection connection =
          // no proxy stands between us and our own machine
          (HttpURLConnection) new URL(url + path).openConnection(Proxy.NO_PROXY);
      connection.setConnectTimeout(TIMEOUT);
      connection.setReadTimeout(TIMEOUT);
      connection.setRequestMethod(method);
      if (token != null) {
        connection.setRequestProperty("Authorization", "Bearer " + token);
      }
      if (body != null) {
        connection.setRequestProperty("Content-Type", "application/json");
        connection.setDoOutput(true);
        connection.getOutputStream().write(body.getBytes(StandardCharsets.UTF_8));
      }
      int status = connection.getResponseCode();
      try (InputStream in =
          status >= 400 ? connection.getErrorStream() : connection.getInputStream()) {
        String text = in == null ? "" : new String(in.readAllBytes(), StandardCharsets.UTF_8);
        return answer(status, text);
      }
    } catch (MalformedURLException | ClassCastException e) {
      throw new Failed(Failed.USAGE, "not the address of an endpoint: " + url);
    } catch (IOException e) {
      throw new Failed(Failed.NO_AGENT, "no answer from " + url + ": " + e);
    }
  }

  private Map<?, ?> answer(int status, String text) throws Failed {
    Object tree = null;
    try {
      tree = Json.read(text);
    } catch (InvalidDocument e) {
      // said below
    }
    if (!(tree instanceof Map<?, ?> body)) {
      throw new Failed(Failed.NO_AGENT, "what answers at " + url + " is not Jinx");
    }
    if (status >= 400) {
      String hint = status == 401 ? " (--token, or JINX_TOKEN in the environment)" : "";
      throw new Failed(
          Failed.REFUSED,
          Objects.requireNonNullElse((Object) body.get("detail"), "status " + status) + hint);
    }
    return body;
  }
}
