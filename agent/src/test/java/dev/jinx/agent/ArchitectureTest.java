package dev.jinx.agent;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** Imports run one way only: control → fault ← point, and nobody imports control. */
@AnalyzeClasses(packages = "dev.jinx.agent", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

  @ArchTest
  static final ArchRule CALL_AND_DOCUMENT_KNOW_NOBODY =
      only("dev.jinx.agent.call", "dev.jinx.agent.document")
          .because("they are the words that all others share");

  @ArchTest static final ArchRule EFFECTS = onlyFrom("effect", "call", "document", "effect");

  @ArchTest static final ArchRule FAULTS = onlyFrom("fault", "call", "document", "effect", "fault");

  @ArchTest
  static final ArchRule WEAVING_KNOWS_NO_LIBRARY =
      classes()
          .that()
          .resideInAPackage("dev.jinx.agent.weave..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "dev.jinx.agent.weave..", "org.objectweb.asm..", "java..", "org.jspecify..");

  @ArchTest
  static final ArchRule POINTS_DO_NOT_KNOW_CONTROL =
      noClasses()
          .that()
          .resideInAPackage("dev.jinx.agent.point..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("dev.jinx.agent.control..", "dev.jinx.agent.cli..");

  @ArchTest
  static final ArchRule CONTROL_DOES_NOT_KNOW_POINTS =
      noClasses()
          .that()
          .resideInAPackage("dev.jinx.agent.control..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.jinx.agent.point..", "dev.jinx.agent.weave..", "dev.jinx.agent.cli..");

  @ArchTest
  static final ArchRule ONLY_THE_START_KNOWS_EVERY_PART =
      noClasses()
          .that()
          .resideOutsideOfPackage("dev.jinx.agent")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("dev.jinx.agent");

  @ArchTest
  static final ArchRule THE_MODEL_IS_PURE_JAVA =
      noClasses()
          .that()
          .resideInAnyPackage(
              "dev.jinx.agent.call..",
              "dev.jinx.agent.document..",
              "dev.jinx.agent.effect..",
              "dev.jinx.agent.fault..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "java.net..", "java.nio.file..", "java.sql..", "java.lang.instrument..")
          .because("it is testable alone");

  @ArchTest
  static final ArchRule NO_LOGGING_FRAMEWORK_AND_NO_JMX =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("java.util.logging..", "javax.management..", "java.lang.management..")
          .because("touching them before main breaks application servers");

  @ArchTest
  static final ArchRule NO_CYCLES =
      slices().matching("dev.jinx.agent.(*)..").should().beFreeOfCycles();

  private static com.tngtech.archunit.lang.syntax.elements.ClassesShouldConjunction only(
      String... packages) {
    return classes()
        .that()
        .resideInAnyPackage(packages)
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(with(packages));
  }

  private static ArchRule onlyFrom(String from, String... packages) {
    String[] full = new String[packages.length];
    for (int i = 0; i < packages.length; i++) {
      full[i] = "dev.jinx.agent." + packages[i] + "..";
    }
    return classes()
        .that()
        .resideInAPackage("dev.jinx.agent." + from + "..")
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(with(full));
  }

  private static String[] with(String... packages) {
    String[] all = java.util.Arrays.copyOf(packages, packages.length + 2);
    all[packages.length] = "java..";
    all[packages.length + 1] = "org.jspecify..";
    return all;
  }
}
