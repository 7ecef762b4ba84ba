n = int(input())
a = list(map(int, input().split()))
l, r, last, out = 0, n - 1, 0, []
while l <= r and max(a[l], a[r]) > last:
    left, right = a[l] > last, a[r] > last
    if left and right and a[l] == a[r]:
        i = l
        while i + 1 <= r and a[i + 1] > a[i]:
            i += 1
        j = r
        while j - 1 >= l and a[j - 1] > a[j]:
            j -= 1
        out.append("L" * (i - l + 1) if i - l + 1 > r - j + 1 else "R" * (r - j + 1))
        break
    if left and (not right or a[l] < a[r]):
        out.append("L")
        last = a[l]
        l += 1
    else:
        out.append("R")
        last = a[r]
        r -= 1
out = "".join(out)
print(len(out))
print(out)
