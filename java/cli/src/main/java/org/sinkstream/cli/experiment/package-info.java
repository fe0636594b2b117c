/**
 * The paper's experiments (Xiao et al., arXiv 2309.17453) on any model: each one a class that
 * measures, keeps what it has measured in a {@link org.sinkstream.cli.experiment.RunDirectory}, and
 * writes a report with tables and plots there. Knows nothing of options and terminals.
 */
@NullMarked
package org.sinkstream.cli.experiment;

import org.jspecify.annotations.NullMarked;
