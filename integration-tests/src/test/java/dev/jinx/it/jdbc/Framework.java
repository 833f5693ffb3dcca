package dev.jinx.it.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.sql.DataSource;
import org.hibernate.Session;
import org.hibernate.SessionFactory;
import org.hibernate.Transaction;
import org.hibernate.cfg.Configuration;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.springframework.jdbc.core.ConnectionCallback;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/** What people use JDBC by: two steps in one transaction of the framework's own. */
enum Framework {
  SPRING {
    @Override
    void transact(DataSource source, Scenario.Step... steps) {
      JdbcTemplate template = new JdbcTemplate(source);
      new TransactionTemplate(new JdbcTransactionManager(source))
          .executeWithoutResult(
              status -> {
                for (Scenario.Step step : steps) {
                  template.execute(
                      (ConnectionCallback<Boolean>) connection -> did(step, connection));
                }
              });
    }
  },
  HIBERNATE {
    @Override
    void transact(DataSource source, Scenario.Step... steps) {
      try (Session session = sessions(source).openSession()) {
        Transaction transaction = session.beginTransaction();
        try {
          for (Scenario.Step step : steps) {
            session.doWork(connection -> did(step, connection));
          }
          transaction.commit();
        } catch (RuntimeException e) {
          if (transaction.isActive()) {
            rollBack(transaction, e);
          }
          throw e;
        }
      }
    }
  },
  JOOQ {
    @Override
    void transact(DataSource source, Scenario.Step... steps) {
      DSL.using(source, SQLDialect.DEFAULT)
          .transaction(
              transaction -> {
                for (Scenario.Step step : steps) {
                  DSL.using(transaction).connection(connection -> did(step, connection));
                }
              });
    }
  };

  private static final Map<DataSource, SessionFactory> SESSIONS = new ConcurrentHashMap<>();

  /** Fails as the framework does. */
  abstract void transact(DataSource source, Scenario.Step... steps);

  /** Hibernate's sessions on that source, of the entities given when first asked for. */
  static SessionFactory sessions(DataSource source, Class<?>... entities) {
    return SESSIONS.computeIfAbsent(
        source,
        known -> {
          Configuration configuration = new Configuration();
          configuration.getProperties().put("hibernate.connection.datasource", known);
          configuration.setProperty("hibernate.jdbc.batch_size", "10");
          configuration.addAnnotatedClasses(entities);
          return configuration.buildSessionFactory();
        });
  }

  static void forget(DataSource source) {
    SessionFactory sessions = SESSIONS.remove(source);
    if (sessions != null) {
      sessions.close();
    }
  }

  private static void rollBack(Transaction transaction, RuntimeException failure) {
    try {
      transaction.rollback();
    } catch (RuntimeException e) {
      failure.addSuppressed(e);
    }
  }

  static boolean did(Scenario.Step step, Connection connection) throws SQLException {
    try {
      step.on(connection);
      return true;
    } catch (SQLException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
