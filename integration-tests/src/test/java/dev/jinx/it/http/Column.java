package dev.jinx.it.http;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** The effect that a test of the contract shows: a column of the table of clients. */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@interface Column {
  String value();
}
