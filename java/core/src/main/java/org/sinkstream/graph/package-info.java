/**
 * The decoders: a family each, reading like its equations and knowing nothing of threads,
 * instruction sets or devices, and the configs that give their shapes.
 */
@NullMarked
package org.sinkstream.graph;

import org.jspecify.annotations.NullMarked;
