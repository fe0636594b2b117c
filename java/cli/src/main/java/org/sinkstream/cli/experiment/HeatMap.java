package org.sinkstream.cli.experiment;

import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleFunction;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.knowm.xchart.HeatMapChart;
import org.knowm.xchart.HeatMapChartBuilder;
import org.knowm.xchart.style.HeatMapStyler;
import org.knowm.xchart.style.Styler;

/** A matrix as a picture, its first row on top. */
final class HeatMap {
  /** From dark to light: the viridis map of matplotlib, at nine places. */
  private static final Color[] COLOURS = {
    new Color(0x440154),
    new Color(0x472D7B),
    new Color(0x3B528B),
    new Color(0x2C728E),
    new Color(0x21918C),
    new Color(0x28AE80),
    new Color(0x5EC962),
    new Color(0xADDC30),
    new Color(0xFDE725)
  };

  private static final int TITLE_HEIGHT = 44;

  static {
    System.setProperty("java.awt.headless", "true"); // also where a display could be opened
  }

  private final HeatMapChart chart;
  private final HeatMapStyler styler;

  /**
   * A picture of a matrix; entries that are NaN stay white.
   *
   * @param values rows of columns
   * @param least the value of the darkest colour
   * @param most the value of the lightest one
   * @param words for a value in the legend
   */
  HeatMap(
      String title,
      String columns,
      String rows,
      double[][] values,
      double least,
      double most,
      int width,
      int height,
      DoubleFunction<String> words) {
    chart =
        new HeatMapChartBuilder()
            .width(width)
            .height(height)
            .title(title)
            .xAxisTitle(columns)
            .yAxisTitle(rows)
            .build();
    styler = chart.getStyler();
    styler.setChartBackgroundColor(Color.WHITE);
    styler.setPlotContentSize(1);
    styler.setRangeColors(COLOURS);
    styler.setMin(least);
    styler.setMax(most);
    styler.setChartTitleFont(font(Font.BOLD, 15));
    styler.setAxisTitleFont(font(Font.PLAIN, 13));
    styler.setAxisTickLabelsFont(font(Font.PLAIN, 12));
    styler.setLegendFont(font(Font.PLAIN, 12));
    styler.setHeatMapDecimalValueFormatter(words::apply);
    styler.setXAxisMaxLabelCount(9);
    styler.setLegendPosition(Styler.LegendPosition.OutsideE);
    List<Number[]> cells = new ArrayList<>();
    int count = values.length;
    for (int row = 0; row < count; row++) {
      for (int column = 0; column < values[row].length; column++) {
        double value = values[row][column];
        if (!Double.isNaN(value)) {
          cells.add(new Number[] {column, count - 1 - row, Math.clamp(value, least, most)});
        }
      }
    }
    chart.addSeries(
        "values",
        IntStream.range(0, values[0].length).boxed().toList(),
        IntStream.range(0, count).mapToObj(row -> count - 1 - row).toList(),
        cells);
  }

  private static Font font(int style, int size) {
    return new Font(Font.SANS_SERIF, style, size);
  }

  /** Writes the value into each entry. */
  HeatMap showValues() {
    styler.setShowValue(true);
    styler.setValueFont(font(Font.PLAIN, 12));
    return this;
  }

  /** The picture. */
  byte[] png() throws IOException {
    return grid("", List.of(this), 1);
  }

  /** Several in one picture, row after row, under a title. */
  static byte[] grid(String title, List<HeatMap> maps, int columns) throws IOException {
    int width = maps.getFirst().chart.getWidth(), height = maps.getFirst().chart.getHeight();
    int rows = Math.ceilDiv(maps.size(), columns);
    int top = title.isEmpty() ? 0 : TITLE_HEIGHT;
    BufferedImage image =
        new BufferedImage(
            width * Math.min(columns, maps.size()),
            top + height * rows,
            BufferedImage.TYPE_INT_RGB);
    Graphics2D canvas = image.createGraphics();
    canvas.setRenderingHint(
        RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
    canvas.setColor(Color.WHITE);
    canvas.fillRect(0, 0, image.getWidth(), image.getHeight());
    canvas.setColor(Color.BLACK);
    canvas.setFont(font(Font.BOLD, 18));
    canvas.drawString(title, 16, 28);
    for (int i = 0; i < maps.size(); i++) {
      Graphics2D part =
          (Graphics2D) canvas.create(i % columns * width, top + i / columns * height, width, height);
      maps.get(i).chart.paint(part, width, height);
      part.dispose();
    }
    canvas.dispose();
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    ImageIO.write(image, "png", png);
    return png.toByteArray();
  }
}
