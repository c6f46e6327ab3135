/** A column of rows: texts, each behind its head, or numbers. Members that are not its own are 0. */
@unmanaged
export class Column {
  isText!: u32;
  /** bytes before each number */
  head!: usize;
  headLength!: u32;
  /** texts, and u32[last + 2] where they begin among them */
  texts!: usize;
  offsets!: usize;
  /** u32[rows]: the text of each row; 0: they are in the rows' order */
  places!: usize;
  /** the text of a place that is greater */
  last!: u32;
  /** u32[rows] */
  counts!: usize;
  /** f32[rows] */
  floats!: usize;
}
