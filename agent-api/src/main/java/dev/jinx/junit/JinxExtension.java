package dev.jinx.junit;

import dev.jinx.FaultInjection;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Executable;
import java.lang.reflect.Parameter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeTestExecutionCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolutionException;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.platform.commons.support.AnnotationSupport;
import org.opentest4j.TestAbortedException;

/** Arms the faults of a test right before it runs, disarms them right after, and judges. */
final class JinxExtension
    implements BeforeAllCallback,
        BeforeTestExecutionCallback,
        AfterTestExecutionCallback,
        ParameterResolver {

  static final String LOCK = "dev.jinx.faults";

  private static final Namespace NAMESPACE = Namespace.create(JinxExtension.class);

  /** The faults of one test: those of the method first, then those of its class. */
  private static final class Armed {
    final List<FaultInjection> all = new ArrayList<>();
    final List<FaultInjection> required = new ArrayList<>();
  }

  /** Carries what a failed test should say about its faults into its stack trace. */
  private static final class FaultsOfThisTest extends RuntimeException {
    private static final long serialVersionUID = 1;

    FaultsOfThisTest(String message) {
      super(message, null, false, false);
    }
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    AgentAttachment.ensure();
  }

  @Override
  public void beforeTestExecution(ExtensionContext context) {
    AgentAttachment.ensure();
    Armed armed = new Armed();
    // stored first, so that what was armed before one that is refused is disarmed too
    context.getStore(NAMESPACE).put(Armed.class, armed);
    String test =
        (context.getRequiredTestClass().getSimpleName()
                + "."
                + context.getRequiredTestMethod().getName())
            .replaceAll("[^A-Za-z0-9._-]", "_");
    for (InjectFault annotation : annotations(context)) {
      Annotated annotated = new Annotated(annotation);
      String number = "-" + (armed.all.size() + 1);
      FaultInjection fault =
          annotated.inject(test.substring(0, Math.min(test.length(), 90)) + number);
      armed.all.add(fault);
      if (annotated.required()) {
        armed.required.add(fault);
      }
    }
  }

  private static List<InjectFault> annotations(ExtensionContext context) {
    List<AnnotatedElement> elements = new ArrayList<>();
    context
        .getRequiredTestInstances()
        .getAllInstances()
        .forEach(instance -> elements.add(instance.getClass()));
    elements.add(context.getRequiredTestMethod());
    Collections.reverse(elements);
    return elements.stream()
        .flatMap(
            element ->
                AnnotationSupport.findRepeatableAnnotations(element, InjectFault.class).stream())
        .toList();
  }

  @Override
  public void afterTestExecution(ExtensionContext context) {
    Armed armed = context.getStore(NAMESPACE).remove(Armed.class, Armed.class);
    if (armed == null) {
      return;
    }
    armed.all.forEach(FaultInjection::close);
    Throwable failure = context.getExecutionException().orElse(null);
    if (failure == null) {
      requireInjections(armed.required);
    } else if (!(failure instanceof TestAbortedException) && !armed.all.isEmpty()) {
      for (FaultInjection fault : armed.all) {
        context.publishReportEntry("jinx.seed." + fault.id(), Long.toString(fault.seed()));
      }
      failure.addSuppressed(
          new FaultsOfThisTest(
              armed.all.stream()
                  .map(fault -> "seed = " + fault.seed() + " replays " + fault)
                  .collect(Collectors.joining("\n  "))));
    }
  }

  private static void requireInjections(List<FaultInjection> required) {
    List<String> silent =
        required.stream()
            .filter(fault -> fault.injections() == 0)
            .map(JinxExtension::whyNever)
            .toList();
    if (!silent.isEmpty()) {
      throw new AssertionError(
          String.join("\n", silent)
              + "\nA test that may pass without its fault says @InjectFault(required = false).");
    }
  }

  private static String whyNever(FaultInjection fault) {
    StringBuilder why = new StringBuilder("never fired: ").append(fault);
    List<String> misses = fault.nearMisses();
    if (fault.matches() > 0) {
      why.append("\n  its target matched, but its selection let every call pass");
    } else if (misses.isEmpty()) {
      why.append("\n  no call of its kind was made");
    }
    misses.forEach(miss -> why.append("\n  near miss: ").append(miss));
    return why.toString();
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    Class<?> type = parameter.getParameter().getType();
    return type == FaultInjection.class || type == FaultInjection[].class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    Armed armed = context.getStore(NAMESPACE).get(Armed.class, Armed.class);
    if (armed == null) {
      throw new ParameterResolutionException(
          "Faults are armed while the test method runs, so only the test method can take them");
    }
    if (parameter.getParameter().getType().isArray()) {
      return armed.all.toArray(new FaultInjection[0]);
    }
    int number = faultsBefore(parameter);
    if (number >= armed.all.size()) {
      throw new ParameterResolutionException(
          "The test takes more faults than it has @InjectFault annotations: " + armed.all.size());
    }
    return armed.all.get(number);
  }

  private static int faultsBefore(ParameterContext parameter) {
    int count = 0;
    Executable method = parameter.getDeclaringExecutable();
    for (Parameter each : List.of(method.getParameters()).subList(0, parameter.getIndex())) {
      count += each.getType() == FaultInjection.class ? 1 : 0;
    }
    return count;
  }
}
