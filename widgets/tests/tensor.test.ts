import { expect, test } from "vitest";
import { colorOf, scaleOf, statistics } from "../src/tensor/colors";

const [zero, neg, pos, ink, bad]: [number, number, number][] = [[255, 255, 255], [0, 0, 255], [255, 0, 0], [0, 0, 0], [9, 9, 9]];

test("negative numbers make the scale diverge around zero", () => {
  const scale = scaleOf([-2, 0, 1, NaN]);
  expect(scale).toEqual({ low: -2, high: 1, signed: true });
  expect(colorOf(-2, scale, zero!, neg!, pos!, ink!, bad!)).toEqual([0, 0, 255]);
  expect(colorOf(0, scale, zero!, neg!, pos!, ink!, bad!)).toEqual([255, 255, 255]);
  expect(colorOf(1, scale, zero!, neg!, pos!, ink!, bad!)).toEqual([255, 128, 128]);
});

test("NaN is told apart, and an array of nothing but NaN has a scale", () => {
  expect(colorOf(NaN, scaleOf([NaN]), zero!, neg!, pos!, ink!, bad!)).toEqual([9, 9, 9]);
  expect(statistics([NaN, 0, 2])).toEqual({ min: 0, max: 2, mean: 1, zeros: 1 / 3, nans: 1 });
});
