# tests of clerk
