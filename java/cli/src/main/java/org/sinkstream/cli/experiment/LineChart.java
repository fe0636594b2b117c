package org.sinkstream.cli.experiment;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.knowm.xchart.AnnotationLine;
import org.knowm.xchart.AnnotationText;
import org.knowm.xchart.ChartEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.XYStyler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Lines over a common axis, as a picture. */
final class LineChart implements Picture {
  /** Told apart by people who see few colours: Okabe and Ito, Color Universal Design, 2008. */
  private static final Color[] COLOURS = {
    new Color(0x0072B2),
    new Color(0xD55E00),
    new Color(0x009E73),
    new Color(0xCC79A7),
    new Color(0xE69F00),
    new Color(0x56B4E9),
    new Color(0x000000),
    new Color(0x999999)
  };

  private static final int WIDTH = 960;
  private static final Color MARK = new Color(0x666666);

  static {
    System.setProperty("java.awt.headless", "true"); // also where a display could be opened
  }

  private final XYChart chart;
  private final XYStyler styler;
  private final List<Double> xs = new ArrayList<>();
  private final List<Double> ys = new ArrayList<>();
  private final List<Mark> marks = new ArrayList<>();
  private boolean powersOfTwo;
  private boolean logY;
  private boolean fromZero;
  private double @Nullable [] range;

  private record Mark(double x, String label) {}

  LineChart(String title, String xTitle, String yTitle) {
    chart =
        new XYChartBuilder()
            .width(WIDTH)
            .height(560)
            .title(title)
            .xAxisTitle(xTitle)
            .yAxisTitle(yTitle)
            .build();
    styler = chart.getStyler();
    styler.setSeriesColors(COLOURS);
    styler.setChartBackgroundColor(Color.WHITE);
    styler.setChartPadding(14);
    styler.setChartTitleFont(font(Font.BOLD, 18));
    styler.setAxisTitleFont(font(Font.PLAIN, 15));
    styler.setAxisTickLabelsFont(font(Font.PLAIN, 13));
    styler.setLegendFont(font(Font.PLAIN, 14));
    styler.setLegendPosition(Styler.LegendPosition.OutsideS);
    styler.setLegendLayout(Styler.LegendLayout.Horizontal);
    styler.setLegendBorderColor(Color.WHITE);
    styler.setPlotGridLinesColor(new Color(0xDDDDDD));
    styler.setXAxisTickMarkSpacingHint(90);
    styler.setYAxisTickMarkSpacingHint(45);
    styler.setYAxisLogarithmicDecadeOnly(false);
    styler.setAnnotationLineColor(MARK);
    styler.setAnnotationLineStroke(
        new BasicStroke(
            1.5f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_MITER, 10, new float[] {7, 5}, 0));
    styler.setAnnotationTextFontColor(MARK);
    styler.setAnnotationTextFont(font(Font.PLAIN, 13));
    styler.setXAxisTickLabelsFormattingFunction(LineChart::tick);
    styler.setYAxisTickLabelsFormattingFunction(LineChart::tick);
  }

  private static Font font(int style, int size) {
    return new Font(Font.SANS_SERIF, style, size);
  }

  /** Words for a tick. */
  private static String tick(double value) {
    double size = Math.abs(value);
    if (size >= 1e6) {
      return trimmed(value / 1e6) + "M";
    }
    return size >= 1e4 ? trimmed(value / 1e3) + "k" : trimmed(value);
  }

  /** Words for ticks at all multiples of powers of ten, which have no room for all. */
  private static String sparseTick(double value) {
    double leading = value / Math.pow(10, Math.floor(Math.log10(value) + 1e-9));
    return Math.abs(leading - 1) < 0.01
            || Math.abs(leading - 2) < 0.01
            || Math.abs(leading - 5) < 0.01
        ? tick(value)
        : "";
  }

  private static String trimmed(double value) {
    return Format.decimals(value, 3).replaceAll("\\.?0+$", "");
  }

  /** The vertical axis is logarithmic. */
  LineChart logY() {
    logY = true;
    return this;
  }

  /** The horizontal axis is logarithmic, with powers of two at its ticks. */
  LineChart powersOfTwo() {
    powersOfTwo = true;
    styler.setXAxisTickLabelsFormattingFunction(x -> x == Math.rint(x) ? tick(Math.pow(2, x)) : "");
    return this;
  }

  private double across(double x) {
    return powersOfTwo ? Math.log(x) / Math.log(2) : x;
  }

  /** The vertical axis begins at 0. */
  LineChart fromZero() {
    fromZero = true;
    return this;
  }

  /** The vertical axis goes from here to there. */
  LineChart range(double from, double to) {
    range = new double[] {from, to};
    return this;
  }

  /** Adds a line; points with a coordinate that is not finite are left out. */
  LineChart line(String name, List<double[]> points, boolean markers) {
    List<double[]> shown =
        points.stream()
            .filter(p -> Double.isFinite(p[0]) && Double.isFinite(p[1]))
            .filter(p -> !logY || p[1] > 0)
            .toList();
    if (shown.isEmpty()) {
      return this;
    }
    double[] x = shown.stream().mapToDouble(p -> across(p[0])).toArray();
    double[] y = shown.stream().mapToDouble(p -> p[1]).toArray();
    XYSeries series = chart.addSeries(name, x, y);
    series.setMarker(markers ? SeriesMarkers.CIRCLE : SeriesMarkers.NONE);
    // Where lines lie on each other, the one below shows on both sides.
    float width = Math.max(1.5f, 4.2f - chart.getSeriesCollection().size());
    series.setLineStyle(new BasicStroke(width, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND));
    series.setLineWidth(width);
    for (int i = 0; i < x.length; i++) {
      xs.add(x[i]);
      ys.add(y[i]);
    }
    return this;
  }

  /** Whether there is anything to see. */
  boolean hasLines() {
    return !xs.isEmpty();
  }

  /** Marks a place on the horizontal axis, if it is on the picture. */
  LineChart mark(double x, String label) {
    marks.add(new Mark(across(x), label));
    return this;
  }

  @Override
  public byte[] png() throws IOException {
    if (xs.isEmpty()) {
      throw new IllegalStateException("a chart without a single point");
    }
    int legend =
        chart.getSeriesCollection().stream()
            .mapToInt(each -> 60 + 9 * each.getName().length())
            .sum();
    if (legend > WIDTH) {
      styler.setLegendPosition(Styler.LegendPosition.OutsideE);
      styler.setLegendLayout(Styler.LegendLayout.Vertical);
    }
    double lowX = powersOfTwo ? min(xs) : Math.min(0, min(xs)), highX = max(xs);
    double[] height = range == null ? heightOf(min(ys), max(ys)) : range;
    double bottom = height[0], top = height[1];
    styler.setYAxisLogarithmic(logY);
    styler.setXAxisMin(lowX);
    styler.setXAxisMax(highX);
    styler.setYAxisMin(bottom);
    styler.setYAxisMax(top);
    if (logY && top > 10 * bottom) {
      styler.setYAxisTickLabelsFormattingFunction(LineChart::sparseTick);
    }
    int shown = 0;
    for (Mark mark : marks) {
      if (mark.x > lowX && mark.x < highX) {
        // One below the other, for marks may stand close together.
        double down = 0.055 * shown++;
        double y = logY ? top * Math.pow(bottom / top, down) : top - down * (top - bottom);
        chart.addAnnotation(new AnnotationLine(mark.x, true, false));
        chart.addAnnotation(new AnnotationText(mark.label, beside(mark, lowX, highX), y, false));
      }
    }
    return ChartEncoder.getBytes(chart, "png");
  }

  /** From where to where the vertical axis goes, with room above for the words of marks. */
  private double[] heightOf(double low, double high) {
    if (logY) {
      return new double[] {low / 1.1, high * 1.25};
    }
    double room = high - (fromZero ? 0 : low);
    room = room > 0 ? room : Math.max(1, Math.abs(high));
    return new double[] {fromZero ? 0 : low - room * 0.06, high + room * 0.12};
  }

  /** Where the middle of a label is that stands right of its line, or left of it near the edge. */
  private static double beside(Mark mark, double low, double high) {
    double share = (mark.label.length() * 7.5 / 2 + 8) / 860; // of the picture's width
    double offset = share * (high - low);
    return mark.x + 2 * offset > high ? mark.x - offset : mark.x + offset;
  }

  private static double min(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
  }

  private static double max(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
  }
}
