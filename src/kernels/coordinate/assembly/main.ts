// Coordinate descent of a factorization machine, and its Gibbs sampler: updates one parameter at a time.
//
//   r     a row; e its score minus its target; q its sum of x v in the current dimension
//   eq    f32[rows][2]: e and q of each row
//   x     the feature's value in a row; values is 0 where all are 1
//   h     dscore/dparameter: x (q - x v) for a vector's number, x for a weight
//   v     f32[size + 1]: a field's parameters in one dimension; the last stands for "no feature" and is 0
//   step  f32[size + 1][2]: the value before the step, and the length of the step
//   sums  f32[size + 1][2]: sum of p h e and of p h^2 over some of the rows
//   p     precision of a row, a factor of alpha; precisions f32[rows], or 0 if all are 1
//   weights  f32[rows]: weight of the row's event, or 0 if all are 1
//
// A column holds the local feature id of each row, for a field with at most one feature per row: its features share no
// row, so one pass serves them all. Source: Rendle 2012 (10.1145/2168752.2168771), algorithms 2 and 4. Twin:
// ../coordinate.reference.ts.

export { accumulate, addSparse, move, moveAndAccumulate, updateSparse } from "./columns";
export { moveTogether, update } from "./parameters";
export { addFourToQ, addSquare, addToQ, clearQ, shiftE, subtractSquares } from "./rows";
export { drawLogit, drawProbit, totalSquared } from "./targets";
export { barrier } from "../../shared/assembly/barrier";
