package org.sinkstream.cli.experiment;

import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import javax.imageio.ImageIO;

/**
 * Matrices of shares as a picture, side by side under one scale of colours. XChart's heat map
 * leaves seams between small cells, and cannot share a scale.
 *
 * @param title of the picture
 * @param columns what the columns are
 * @param rows what the rows are
 * @param logarithmic whether colours stand for the logarithm, from {@link #LEAST} on
 * @param cellWidth of an entry, in pixels
 * @param cellHeight of an entry, in pixels
 * @param values whether each entry shows its value
 */
record HeatMap(
    String title,
    String columns,
    String rows,
    boolean logarithmic,
    int cellWidth,
    int cellHeight,
    boolean values) {
  /** The smallest share that a logarithmic scale tells from none. */
  static final double LEAST = 1e-3;

  /** Light, so that black text is legible on all of them. */
  private static final Color[] COLOURS = {
    new Color(0xFFFFFF),
    new Color(0xFFF0A8),
    new Color(0xFED976),
    new Color(0xFEB24C),
    new Color(0xFD8D3C),
    new Color(0xFC4E2A)
  };

  private static final Color ABSENT = new Color(0xDDDDDD);
  private static final int LEFT = 62, RIGHT = 22, TOP = 30, BOTTOM = 50, HEAD = 84;
  private static final int BAR_WIDTH = 300, BAR_HEIGHT = 14;

  static {
    System.setProperty("java.awt.headless", "true"); // also where a display could be opened
  }

  /**
   * One matrix.
   *
   * @param name above it, may be empty
   * @param shares [rows, columns], each from 0 to 1, or NaN where there is none
   */
  @SuppressWarnings("ArrayRecordComponent") // figures on their way to a picture, never compared
  record Panel(String name, double[][] shares) {}

  /** The picture of some matrices of one shape, {@code across} of them in a row. */
  byte[] png(List<Panel> panels, int across) throws IOException {
    double[][] shape = panels.getFirst().shares;
    int width = LEFT + shape[0].length * cellWidth + RIGHT;
    int height = TOP + shape.length * cellHeight + BOTTOM;
    int rowsOfPanels = Math.ceilDiv(panels.size(), across);
    BufferedImage image =
        new BufferedImage(
            Math.max(width * Math.min(across, panels.size()), 12 * title.length() + 40),
            HEAD + height * rowsOfPanels,
            BufferedImage.TYPE_INT_RGB);
    Graphics2D canvas = image.createGraphics();
    canvas.setRenderingHint(
        RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
    canvas.setColor(Color.WHITE);
    canvas.fillRect(0, 0, image.getWidth(), image.getHeight());
    drawHead(canvas);
    for (int i = 0; i < panels.size(); i++) {
      drawPanel(canvas, panels.get(i), i % across * width + LEFT, HEAD + i / across * height + TOP);
    }
    canvas.dispose();
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    ImageIO.write(image, "png", png);
    return png.toByteArray();
  }

  /** Title, and the scale of colours below it. */
  private void drawHead(Graphics2D canvas) {
    canvas.setColor(Color.BLACK);
    canvas.setFont(font(Font.BOLD, 17));
    canvas.drawString(title, 16, 26);
    int left = LEFT, top = 42;
    for (int x = 0; x < BAR_WIDTH; x++) {
      canvas.setColor(colour(x / (BAR_WIDTH - 1.0)));
      canvas.fillRect(left + x, top, 1, BAR_HEIGHT);
    }
    canvas.setColor(Color.BLACK);
    canvas.drawRect(left - 1, top - 1, BAR_WIDTH + 1, BAR_HEIGHT + 1);
    canvas.setFont(font(Font.PLAIN, 12));
    double[] ticks =
        logarithmic ? new double[] {0.001, 0.01, 0.1, 1} : new double[] {0, 0.25, 0.5, 0.75, 1};
    for (double tick : ticks) {
      int x = left + (int) Math.round(place(tick) * BAR_WIDTH);
      canvas.drawLine(x, top + BAR_HEIGHT, x, top + BAR_HEIGHT + 4);
      centred(canvas, Format.decimals(tick, 3).replaceAll("\\.?0+$", ""), x, top + BAR_HEIGHT + 17);
    }
  }

  private void drawPanel(Graphics2D canvas, Panel panel, int left, int top) {
    double[][] shares = panel.shares;
    int width = shares[0].length * cellWidth, height = shares.length * cellHeight;
    canvas.setFont(font(Font.PLAIN, 12));
    for (int row = 0; row < shares.length; row++) {
      for (int column = 0; column < shares[row].length; column++) {
        int x = left + column * cellWidth, y = top + row * cellHeight;
        double share = shares[row][column];
        canvas.setColor(Double.isNaN(share) ? ABSENT : colour(place(share)));
        canvas.fillRect(x, y, cellWidth, cellHeight);
        if (values) {
          canvas.setColor(Color.BLACK);
          centred(canvas, Format.decimals(share, 2), x + cellWidth / 2, y + cellHeight / 2 + 5);
        }
      }
    }
    canvas.setColor(Color.BLACK);
    canvas.drawRect(left - 1, top - 1, width + 1, height + 1);
    int rowStep = step(cellHeight, 16), columnStep = step(cellWidth, 30);
    for (int row = 0; row < shares.length; row += rowStep) {
      int y = top + row * cellHeight + cellHeight / 2;
      canvas.drawLine(left - 4, y, left - 1, y);
      String label = Integer.toString(row);
      canvas.drawString(label, left - 8 - canvas.getFontMetrics().stringWidth(label), y + 4);
    }
    for (int column = 0; column < shares[0].length; column += columnStep) {
      int x = left + column * cellWidth + cellWidth / 2;
      canvas.drawLine(x, top + height, x, top + height + 3);
      centred(canvas, Integer.toString(column), x, top + height + 17);
    }
    canvas.setFont(font(Font.PLAIN, 13));
    centred(canvas, columns, left + width / 2, top + height + 35);
    Graphics2D turned = (Graphics2D) canvas.create();
    turned.translate(left - 40, top + height / 2);
    turned.rotate(-Math.PI / 2);
    centred(turned, rows, 0, 0);
    turned.dispose();
    canvas.setFont(font(Font.BOLD, 14));
    centred(canvas, panel.name, left + width / 2, top - 8);
  }

  /** Labels at every entry, or at every so many where cells are smaller than a label. */
  private static int step(int cell, int label) {
    int step = 1;
    while (step * cell < label) {
      step *= 2;
    }
    return step;
  }

  /** Where a share stands on the scale, from 0 to 1. */
  private double place(double share) {
    double place = logarithmic ? 1 - Math.log(share) / Math.log(LEAST) : share;
    return Math.clamp(place, 0, 1);
  }

  private static Color colour(double place) {
    double at = place * (COLOURS.length - 1);
    int below = (int) Math.min(at, COLOURS.length - 2);
    Color from = COLOURS[below], to = COLOURS[below + 1];
    double share = at - below;
    return new Color(
        mixed(from.getRed(), to.getRed(), share),
        mixed(from.getGreen(), to.getGreen(), share),
        mixed(from.getBlue(), to.getBlue(), share));
  }

  private static int mixed(int from, int to, double share) {
    return (int) Math.round(from + share * (to - from));
  }

  private static void centred(Graphics2D canvas, String text, int x, int y) {
    canvas.drawString(text, x - canvas.getFontMetrics().stringWidth(text) / 2, y);
  }

  private static Font font(int style, int size) {
    return new Font(Font.SANS_SERIF, style, size);
  }
}
