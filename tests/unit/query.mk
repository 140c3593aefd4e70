# tests of query
