package org.sinkstream;

/**
 * A generated token.
 *
 * @param id its id in the vocabulary
 * @param position its position in the stream, from 0
 * @param text the text that became final with it: whole characters only, empty while a character or
 *     a possible stop string is still incomplete
 */
public record Token(int id, long position, String text) {}
