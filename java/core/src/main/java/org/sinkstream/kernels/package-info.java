/**
 * Typed, checked operations over native memory: the one layer between the generated bindings and
 * the graph. It proves shapes and lifetimes, so that the C code may trust its arguments. Every
 * native object belongs to an {@link java.lang.foreign.Arena}: use after its close throws {@link
 * IllegalStateException}, use of a confined one from a second thread {@link WrongThreadException}.
 */
@NullMarked
package org.sinkstream.kernels;

import org.jspecify.annotations.NullMarked;
