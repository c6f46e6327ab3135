/**
 * A column of the text lines to write: either texts, each stored after its head (the bytes before a cell), or numbers.
 * Fields of the other kind are 0.
 */
@unmanaged
export class Column {
  isText!: u32;
  /** address of the bytes that are written before each number */
  head!: usize;
  headLength!: u32;
  /** address of the texts, stored one after another; and u32[last + 2]: offset of each text, and end of the last */
  texts!: usize;
  offsets!: usize;
  /** u32[rows]: index in `texts` of each row's text; 0 if row r has text r */
  places!: usize;
  /** index of the last text, which is written for rows whose index is greater */
  last!: u32;
  /** integer of each row, u32[rows]; 0 if the column does not contain integers */
  counts!: usize;
  /** number of each row, f32[rows]; 0 if the column does not contain such numbers */
  floats!: usize;
}
