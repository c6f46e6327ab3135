// Tests addresses of servers in the forms that users type.

import { checkToken, parseAddress } from "./address.js";

test("host, port, TLS, user and headers are read; what is shown has no parameters", () => {
  const address = parseAddress("sc://spark.internal:443/;use_ssl=true;user_id=me%20too;x-cluster=abc");
  expect(address).toEqual({
    target: "spark.internal:443",
    shown: "sc://spark.internal:443",
    isLoopback: false,
    useTls: true,
    userId: "me too",
    headers: { "x-cluster": "abc" },
  });
  expect(parseAddress("sc://localhost")).toMatchObject({
    target: "localhost:15002",
    isLoopback: true,
    useTls: false,
  });
  expect(parseAddress("sc://[::1]:5/")).toMatchObject({ target: "[::1]:5", isLoopback: true });
  expect(parseAddress("sc://127.0.0.1.evil.example").isLoopback).toBe(false);
});

test.each([
  ["spark://host:7077", /start-connect-server/],
  ["local[2]", /start-connect-server/],
  ["host:15002", /expects sc:/],
  ["sc://host:99999", /port must be/],
  ["sc://user@host", /expects sc:/],
  ["sc://host/path", /expects sc:/],
  ["sc://host/;use_ssl=yes", /use_ssl must be true or false/],
  ["sc://host/;speed=9", /unknown parameter 'speed'/],
  ["sc://host/;x-api-key=1", /looks like a secret/],
  ["sc://host/;user_id=%E0%A4%A", /percent-encoding/],
])("%s is refused", (text, message) => {
  expect(() => parseAddress(text)).toThrow(message);
});

test("a token in the address is refused, and not repeated", () => {
  expect(() => parseAddress("sc://host/;token=abcdef")).toThrow(/SPARK_CONNECT_AUTHENTICATE_TOKEN/);
  expect(() => parseAddress("sc://host/;token=abcdef")).not.toThrow(/abcdef/);
  expect(() => parseAddress("sc://token:abcdef@host")).not.toThrow(/abcdef/);
});

test("a token goes over TLS or to this machine alone", () => {
  const check = (text: string, token?: string) => () => checkToken(parseAddress(text), token);
  expect(check("sc://host", "abc")).toThrow(/unencrypted/);
  expect(check("sc://host/;use_ssl=true", "abc")).not.toThrow();
  expect(check("sc://localhost", "abc")).not.toThrow();
  expect(check("sc://host")).not.toThrow();
});
