package org.sinkstream.testing;

import java.lang.reflect.Method;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.opentest4j.TestAbortedException;

/**
 * Where something is missing that a test factory needs, a test is skipped and says what. A factory
 * that is aborted itself is counted and told of by nobody.
 */
public final class SkippedFactories implements InvocationInterceptor {
  @Override
  @SuppressWarnings("unchecked") // what the factories give
  public <T> T interceptTestFactoryMethod(
      Invocation<T> invocation,
      ReflectiveInvocationContext<Method> factory,
      ExtensionContext extension)
      throws Throwable {
    try {
      return invocation.proceed();
    } catch (TestAbortedException missing) {
      DynamicTest skipped =
          DynamicTest.dynamicTest(
              "skipped",
              () -> {
                throw missing;
              });
      return (T) Stream.of(skipped);
    }
  }
}
