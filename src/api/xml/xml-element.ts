// What an XML body is once it has been parsed: a small tree that keeps every character.

export interface XmlElement {
  readonly name: string;
  /** All text directly inside, CDATA included, exactly as the client meant it. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}
