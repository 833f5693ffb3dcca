package dev.jinx.agent.point;

import dev.jinx.agent.call.Kind;
import dev.jinx.agent.document.InvalidDocument;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.fault.Fault;
import dev.jinx.agent.weave.Access;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.net.UnknownHostException;
import org.jspecify.annotations.Nullable;

/**
 * Exceptions that a document names by their class: looked for when the fault is armed, made when it
 * hits.
 */
public final class Exceptions {
  private final Access access;

  public Exceptions(Access access) {
    this.access = access;
  }

  /**
   * Checks that what a fault throws is there and can be thrown by the hooked methods.
   *
   * @throws InvalidDocument otherwise
   */
  public void check(Fault fault) {
    if (fault.effects().ending() instanceof Failure.Thrown thrown) {
      String path = "effect.error.class";
      Class<?> type = find(thrown.className(), null);
      if (type == null) {
        throw new InvalidDocument(
            path,
            "no class "
                + thrown.className()
                + " is on the class path, nor loaded by any other loader yet");
      }
      if (!Throwable.class.isAssignableFrom(type)) {
        throw new InvalidDocument(path, thrown.className() + " is not an exception");
      }
      Class<?> declared = declared(fault.target().kind());
      if (!declared.isAssignableFrom(type)
          && !RuntimeException.class.isAssignableFrom(type)
          && !Error.class.isAssignableFrom(type)) {
        throw new InvalidDocument(
            path,
            "a "
                + fault.target().kind().json()
                + " call cannot throw "
                + thrown.className()
                + "; it must extend "
                + declared.getName()
                + ", RuntimeException or Error");
      }
      if (constructor(type) == null) {
        throw new InvalidDocument(
            path, thrown.className() + " has no constructor with a message or without parameters");
      }
    }
  }

  /**
   * Makes the exception.
   *
   * @param near an object of the hooked library, whose loader is asked first
   */
  public Throwable make(Failure.Thrown thrown, Object near) throws ReflectiveOperationException {
    Class<?> type = find(thrown.className(), near instanceof Class<?> it ? it : near.getClass());
    Constructor<?> constructor = type == null ? null : constructor(type);
    if (constructor == null) {
      throw new ClassNotFoundException(thrown.className());
    }
    return (Throwable)
        (constructor.getParameterCount() == 0
            ? constructor.newInstance()
            : constructor.newInstance(thrown.message()));
  }

  private static Class<?> declared(Kind kind) {
    return switch (kind) {
      case HTTP, SOCKET, TLS -> IOException.class;
      case DNS -> UnknownHostException.class;
      // by name: an image may lack the module
      case JDBC -> {
        try {
          yield Class.forName("java.sql.SQLException");
        } catch (ClassNotFoundException e) {
          yield RuntimeException.class;
        }
      }
      case METHOD -> Throwable.class;
    };
  }

  private @Nullable Class<?> find(String name, @Nullable Class<?> near) {
    ClassLoader[] loaders = {
      near == null ? null : near.getClassLoader(),
      Thread.currentThread().getContextClassLoader(),
      ClassLoader.getSystemClassLoader()
    };
    for (ClassLoader loader : loaders) {
      try {
        return Class.forName(name, false, loader);
      } catch (ClassNotFoundException | LinkageError e) {
        // the next one
      }
    }
    for (Class<?> type : access.loaded()) {
      if (type.getName().equals(name)) {
        return type;
      }
    }
    return null;
  }

  private static @Nullable Constructor<?> constructor(Class<?> type) {
    for (Class<?>[] parameters : new Class<?>[][] {{String.class}, {}}) {
      try {
        return type.getConstructor(parameters);
      } catch (NoSuchMethodException e) {
        // the next one
      }
    }
    return null;
  }
}
