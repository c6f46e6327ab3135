// Arithmetic of T, which is f32 or v128, one number or four: what is written with it stands once for both. The compiler leaves one
// instruction of each function.

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

/** The number, in each of four lanes of a vector. */
export function splat<T>(x: f32): T {
  if (isVector<T>()) return f32x4.splat(x);
  else return x;
}
