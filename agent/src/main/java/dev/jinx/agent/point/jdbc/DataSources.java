package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.point.WeakIdentityMap;
import dev.jinx.agent.weave.Access;
import java.util.Properties;
import javax.sql.CommonDataSource;
import org.jspecify.annotations.Nullable;

/**
 * What a data source that a pool was given tells of its database. There is no method for it in
 * {@code javax.sql}, but by custom it is a property.
 */
final class DataSources {
  private static final String[] URL = {"getUrl", "getURL", "getJdbcUrl"};
  private static final String[] USER = {"getUser", "getUserName", "getUsername"};

  private final Access access;
  private final WeakIdentityMap<Object, String> urls = new WeakIdentityMap<>();

  DataSources(Access access) {
    this.access = access;
  }

  /** The URL, read once; null for what is no data source, and where it is not told. */
  @Nullable String url(Object source) {
    if (!(source instanceof CommonDataSource)) {
      return null;
    }
    String url = urls.get(source);
    if (url == null) {
      String told = first(source, URL);
      url = told == null ? "" : told;
      urls.put(source, url);
    }
    return url.isEmpty() ? null : url;
  }

  /** The user, as the settings of a connection. */
  @Nullable Properties info(Object source) {
    return source instanceof CommonDataSource ? StandardPool.user(first(source, USER)) : null;
  }

  private @Nullable String first(Object source, String[] names) {
    for (String name : names) {
      try (CallScope scope = CallScope.enter(null)) {
        var method = source.getClass().getMethod(name);
        if (access.in(method.getDeclaringClass()).unreflect(method).invoke(source)
            instanceof String value) {
          return value;
        }
      } catch (Throwable notThere) {
        // the next name
      }
    }
    return null;
  }
}
