// Arithmetic on T, which is f32 (one number) or v128 (four), so that a formula is written once for both. Each function compiles
// to one instruction.

export function add<T>(x: T, y: T): T {
  if (isVector<T>()) return f32x4.add(x, y);
  else return x + y;
}

export function sub<T>(x: T, y: T): T {
  if (isVector<T>()) return f32x4.sub(x, y);
  else return x - y;
}

export function mul<T>(x: T, y: T): T {
  if (isVector<T>()) return f32x4.mul(x, y);
  else return x * y;
}

export function div<T>(x: T, y: T): T {
  if (isVector<T>()) return f32x4.div(x, y);
  else return x / y;
}

export function root<T>(x: T): T {
  if (isVector<T>()) return f32x4.sqrt(x);
  else return sqrt<T>(x);
}

/** x, or x in all four lanes. */
export function splat<T>(x: f32): T {
  if (isVector<T>()) return f32x4.splat(x);
  else return x;
}
