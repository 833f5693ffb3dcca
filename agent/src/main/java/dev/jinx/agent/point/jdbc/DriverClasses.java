package dev.jinx.agent.point.jdbc;

import java.util.ArrayList;
import java.util.List;

/** The classes of one driver, by the part that they play. Loaded while classes load: plain data. */
final class DriverClasses {
  final String library;
  final String packageName;
  final String adapter;
  String except = "";
  String[] drivers = {};
  String[] connections = {};
  String[] statements = {};
  String[] results = {};
  String[] wrappers = {};
  final List<Connect> connects = new ArrayList<>();

  /** One more method by which a connection is made. */
  record Connect(String className, String method, String descriptor, int argument) {}

  /**
   * @param library the driver's name in its URLs
   * @param packageName that of the driver's classes, with a dot at the end
   * @param file the driver's file, with a nested {@code Adapter}
   */
  DriverClasses(String library, String packageName, Class<?> file) {
    this.library = library;
    this.packageName = packageName;
    this.adapter = file.getName().concat("$Adapter");
  }

  /** Whether a class is the driver's, by its name with dots. */
  boolean owns(String className) {
    return className.startsWith(packageName) && (except.isEmpty() || !className.startsWith(except));
  }

  /** A package among the driver's with another driver's classes, with a dot at the end. */
  DriverClasses except(String otherPackage) {
    except = otherPackage;
    return this;
  }

  /** Those with {@code connect(String, Properties)}. */
  DriverClasses drivers(String... names) {
    drivers = names;
    return this;
  }

  DriverClasses connections(String... names) {
    connections = names;
    return this;
  }

  /** Those that declare any way to execute; a super class is named beside its subclasses. */
  DriverClasses statements(String... names) {
    statements = names;
    return this;
  }

  /** Those that declare {@code next()}. */
  DriverClasses results(String... names) {
    results = names;
    return this;
  }

  /** Beginnings of the names of those that only pass calls on: they never take a hit. */
  DriverClasses wrappers(String... names) {
    wrappers = names;
    return this;
  }

  /**
   * A method that makes a connection past the driver's own {@code connect}, such as a data
   * source's.
   *
   * @param argument the index of the parameter that {@link StandardSql#url} reads the URL from; -1
   *     where it is the object itself
   */
  DriverClasses connect(String className, String method, String descriptor, int argument) {
    connects.add(new Connect(className, method, descriptor, argument));
    return this;
  }

  /** A data source whose method, without and with user and password, makes connections itself. */
  DriverClasses dataSource(String className, String method, String result) {
    connect(className, method, "()".concat(result), -1);
    return connect(className, method, "(Ljava/lang/String;Ljava/lang/String;)".concat(result), -1);
  }
}
